"""Watches the tests of a task in a scratch copy of the workspace, if they are tests that can be watched."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from dspy_agent.edits.executed import Executed, run_traced
from dspy_agent.edits.tests_of import files_of
from dspy_agent.verify.command import find_test_command
from dspy_agent.verify.python import python_of
from dspy_agent.verify.worktree import scratch
from dspy_agent_core.errors import AgentError


def traced(
    workspace: Path,
    wanted: Sequence[str],
    named: Sequence[str],
    seconds: float,
    tell: Callable[[str], None],
    notes: list[str],
) -> Executed:
    """Run the files of the tests ``wanted``, those ``named`` first, and return what they executed.

    What can't be watched (another language, no pytest, no sandbox) is told in ``notes`` at most.
    """
    files = [path for path in files_of(wanted) if path.endswith(".py")]
    if not files or seconds < 2:
        return Executed()
    tell(f"running {', '.join(files[:3])} to see what fails and what it runs")
    try:
        python = python_with_pytest(workspace)
        if python is None:
            return Executed()
        with scratch(workspace, {}) as made:
            first = [test for test in named if "::" in test]
            found = run_traced(made, workspace, python, files, seconds, first=first)
    except AgentError as error:
        notes.append(f"Located without running tests: {error.message}")
        return Executed()
    if not found.failing and found.outcomes and named:
        notes.append("The tests that the task names pass now.")
    return found


def python_with_pytest(workspace: Path) -> str | None:
    """Return the interpreter of the project's tests, if it has pytest."""
    command = find_test_command(workspace)
    python = command.python if command and command.python else python_of(workspace)
    return python.executable if python.has_pytest else None
