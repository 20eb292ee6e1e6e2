"""Runs the tests of a scratch copy in the sandbox."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dspy_agent.sandbox.run import Ran, run_sandboxed
from dspy_agent.verify.command import TestCommand
from dspy_agent.verify.outcomes import FAILED, PASSED, read_output, read_report
from dspy_agent.verify.python import module_paths
from dspy_agent.verify.worktree import Scratch

WHOLE: Final = "(all)"
_OUTPUT_BYTES: Final = 400_000
_TAIL: Final = 6_000
_BAD_USAGE: Final = 4  # pytest's exit codes
_NO_TESTS: Final = 5


@dataclass(frozen=True, slots=True)
class Tested:
    """What a run of the tests gave. ``output``: the end of what it printed; ``how``: the kind of sandbox."""

    passed: int
    failed: int
    seconds: float
    timed_out: bool
    how: str
    output: str
    outcomes: dict[str, str] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """Whether any test was run to its end."""
        return self.passed + self.failed > 0


def run_tests(
    command: TestCommand, made: Scratch, workspace: Path, files: Sequence[str], seconds: float
) -> Tested:
    """Run the tests in ``files`` (all, if there are none) in the copy."""
    report = made.out / "junit.xml"
    report.unlink(missing_ok=True)
    environment = module_paths(workspace, made.tree, command.python.executable) if command.python else {}
    argv = command.with_files([path for path in files if (made.tree / path).is_file()], report)

    def run(argv: list[str], seconds: float) -> Ran:
        return run_sandboxed(
            argv,
            workspace=workspace,
            cwd=made.tree,
            seconds=seconds,
            max_output=_OUTPUT_BYTES,
            writable=[made.folder],
            env=environment,
        )

    ran = run(argv, seconds)
    if command.kind == "pytest" and ran.code == _BAD_USAGE:  # options of plugins that are not installed
        ran = run([*argv, "-o", "addopts="], max(seconds - ran.seconds, 1))
    outcomes = _outcomes(command, ran, report)
    said = list(outcomes.values())
    return Tested(
        said.count(PASSED),
        said.count(FAILED),
        round(ran.seconds, 3),
        ran.timed_out,
        ran.how,
        ran.output[-_TAIL:].replace(os.fspath(made.tree), "."),
        outcomes,
    )


def _outcomes(command: TestCommand, ran: Ran, report: Path) -> dict[str, str]:
    if command.kind == "pytest" and ran.code == _NO_TESTS:
        return {}
    found = read_report(report) or read_output(ran.output)
    fails = ran.code != 0
    if not found or (fails and FAILED not in found.values()):
        found = {**found, WHOLE: FAILED if fails else PASSED}
    return found
