"""Runs the project's pytest in the sandbox with one of the plugins beside this file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dspy_agent.sandbox.run import run_sandboxed
from dspy_agent.verify.python import module_paths
from dspy_agent.verify.worktree import Scratch

_MOST_OUTPUT: Final = 20_000


def run_plugin(
    plugin: str,
    made: Scratch,
    workspace: Path,
    python: str,
    tests: Sequence[str],
    seconds: float,
    *,
    options: Sequence[str],
    environment: Mapping[str, str],
) -> None:
    """Run ``tests`` (ids or files) in a scratch copy; what comes of it, the plugin leaves in ``made.out``.

    Args:
        plugin: the name of its file, without the suffix.
        made: a copy of ``workspace``.
        workspace: what it is a copy of.
        python: the project's interpreter, which has pytest.
        tests: what to collect.
        seconds: after which all is ended.
        options: of pytest.
        environment: what the plugin is told, on top of what the tests need.
    """
    name = f"dspy_agent_{plugin}"
    shutil.copyfile(Path(__file__).with_name(f"{plugin}.py"), made.out / f"{name}.py")
    modules = module_paths(workspace, made.tree, python)
    run_sandboxed(
        [python, "-m", "pytest", "-q", "-p", name, "-p", "no:cacheprovider", *options, *tests],
        workspace=workspace,
        cwd=made.tree,
        seconds=seconds,
        max_output=_MOST_OUTPUT,
        writable=[made.folder],
        env={
            **modules,
            "PYTHONPATH": os.pathsep.join((str(made.out), modules["PYTHONPATH"])),
            "DSPY_AGENT_TRACE_ROOT": str(made.tree),
            **environment,
        },
    )
