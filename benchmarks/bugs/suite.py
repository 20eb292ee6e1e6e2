"""Runs a package's bounded suite in the agent's sandbox, and tells what came of each test."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from benchmarks.bugs import bug_report, sources
from dspy_agent.sandbox.run import run_sandboxed

_PLUGIN: Final = Path(bug_report.__file__)
_OPTIONS: Final = ("-q", "--no-header", "-p", "no:cacheprovider", "-p", "bug_report")
_ENVIRONMENT: Final = {"PYTHONHASHSEED": "0", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """The tests by what came of them; ``ended`` is False if time ran out or pytest broke."""

    passed: frozenset[str]
    failed: frozenset[str]
    ended: bool
    output: str
    seconds: float


def run_suite(folder: Path, *, seconds: float, tests: Sequence[str] = (), most: int = 0) -> Outcome:
    """Run the suite of the package in ``folder``.

    Args:
        folder: a copy of the package, which tests may write into.
        seconds: after them it is ended.
        tests: only these.
        most: stop after so many failures; 0 for never.
    """
    with tempfile.TemporaryDirectory(prefix="bugs-", dir=sources.cache()) as made:
        plugin = Path(made)
        shutil.copy(_PLUGIN, plugin)
        report = plugin / "report.json"
        argv = [str(sources.python()), "-m", "pytest", *_OPTIONS, f"--maxfail={most}", *tests]
        ran = run_sandboxed(
            argv,
            workspace=folder,
            cwd=folder,
            seconds=seconds,
            writable=[folder, plugin],
            env={"PYTHONPATH": made, "BUG_REPORT": str(report), **_ENVIRONMENT},
        )
        told = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    return Outcome(
        frozenset(test for test, how in told.items() if how == "passed"),
        frozenset(test for test, how in told.items() if how == "failed"),
        ran.code in (0, 1) and bool(told),
        ran.output,
        ran.seconds,
    )
