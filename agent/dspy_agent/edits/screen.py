"""Screens many small changes at once: with which of them the tests pass."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

from dspy_agent.edits.mutations import Mutation
from dspy_agent.edits.plugin import run_plugin
from dspy_agent.verify.worktree import scratch


def screen(
    workspace: Path, python: str, tests: Sequence[str], mutations: Sequence[Mutation], seconds: float
) -> tuple[Mutation, list[Mutation]] | None:
    """Return the first of ``mutations`` with which all of ``tests`` pass, one of which fails without.

    With it those that were not tried; where it stands for others, the right one of these is returned.

    Args:
        workspace: only a scratch copy of it is run, in the sandbox.
        python: the project's interpreter, which has pytest.
        tests: ids; of those that pass anyway, slow ones may be left out.
        mutations: the likeliest first.
        seconds: what was not tried by then is left out.
    """
    with scratch(workspace, {}) as made:
        out, given = made.out / "screened", made.out / "mutations.json"
        given.write_text(json.dumps([asdict(one) for one in mutations]), encoding="utf-8")
        run_plugin(
            "screener",
            made,
            workspace,
            python,
            tests,
            seconds + 10,
            options=["--tb=no", "-p", "no:randomly"],
            environment={
                "DSPY_AGENT_TRACE_SECONDS": str(seconds),
                "DSPY_AGENT_SCREEN_IN": str(given),
                "DSPY_AGENT_SCREEN_OUT": str(out),
            },
        )
        said = out.read_text("utf-8", "replace") if out.is_file() else ""
    try:
        number, variant = json.loads(said)
        found = mutations[number]
        made = replace(found, new=found.instead[variant], instead=()) if found.instead else found
    except (ValueError, TypeError, IndexError):  # it is the project's own process that writes it
        return None
    left = found.instead[variant + 1 :]
    return made, [*([replace(found, instead=left)] if left else []), *mutations[number + 1 :]]
