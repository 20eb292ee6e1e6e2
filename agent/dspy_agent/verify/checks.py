"""Checks a change in a scratch copy: syntax, lint, and the affected tests before and after it."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

from dspy_agent.checkpoints.diff import changed_ranges
from dspy_agent.checkpoints.tree import Tree, checked
from dspy_agent.verify.affected import affected_tests, runnable_tests
from dspy_agent.verify.command import TestCommand, find_test_command
from dspy_agent.verify.lint import Finding, Linter, findings, linters_of
from dspy_agent.verify.outcomes import FAILED, PASSED
from dspy_agent.verify.run_tests import Tested, run_tests
from dspy_agent.verify.syntax import SyntaxProblem, new_problem
from dspy_agent.verify.worktree import scratch, state_of
from dspy_agent_core.errors import WorkspaceError

_KEPT: Final = 8
_LEAST_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 10.0
_TIMES: Final = 4
_FEW: Final = 3  # broken tests: they are run again, since some fail now and then

Changes = Mapping[str, bytes | None]


@dataclass(frozen=True, slots=True)
class TestReport:
    """The tests before and after the change.

    ``broken``: passed before and fail now, or fail and are new; ``fixed``: the other way round; ``failing``:
    fail as before. Names are the runner's. Where it tells no names, the command as a whole counts as one.
    """

    __test__ = False

    command: list[str]
    files: list[str]
    before: Tested | None
    after: Tested
    fixed: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    failing: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verification:
    """What the checks of a change say. Of two candidates, the one with the higher ``score`` is better.

    ``syntax`` and ``lint``: what is new; ``tests``: None if none was run; ``how``: the kind of sandbox.
    """

    score: float
    syntax: list[SyntaxProblem] = field(default_factory=list)
    lint: list[Finding] = field(default_factory=list)
    tests: TestReport | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def is_sound(self) -> bool:
        """Whether nothing got worse."""
        return not self.syntax and not (self.tests and self.tests.broken)


@dataclass(frozen=True, slots=True)
class _Job:
    """What is checked, and how: the changed ``paths``, and the test ``files``."""

    workspace: Path
    paths: tuple[str, ...]
    linters: tuple[Linter, ...]
    command: TestCommand | None
    files: tuple[str, ...]


_Checked = tuple[Counter[Finding], Tested | None]
_known: dict[tuple[_Job, bytes], _Checked] = {}


def verify(
    workspace: Path, changes: Changes, *, tests: Sequence[str] | None = None, seconds: float = 120.0
) -> Verification:
    """Check ``changes`` (None removes a file) without touching the workspace.

    Args:
        workspace: from ``open_workspace``.
        changes: the new contents of files.
        tests: test files to run; None: those that the change may affect; empty: none.
        seconds: for all runs of tests together.

    Raises:
        WorkspaceError: a path may not be changed.
        MissingRequirement: this machine allows no sandbox.
    """
    deadline = time.monotonic() + seconds
    before = _current(workspace, changes)
    notes: list[str] = []
    found = [new_problem(path, before[path], changes[path]) for path in changes]
    syntax = [problem for problem in found if problem is not None]
    if syntax:
        return Verification(0.0, syntax, notes=["Its syntax is broken: no test was run."])
    command = find_test_command(workspace) if tests is None or tests else None
    linters = linters_of(workspace)
    files = list(tests) if tests is not None else _affected(workspace, changes, before, command, notes)
    if command is None and tests is None:
        notes.append("No tests were found: name a command in DSPY_AGENT_TEST_COMMAND.")
    run = command if command is not None and (files or not command.takes_files) else None
    job = _Job(workspace, tuple(changes), tuple(linters), run, tuple(files))
    try:
        lint_before, tested_before = _before(job, (deadline - time.monotonic()) / 2, notes)
        left = deadline - time.monotonic()
        if tested_before and not tested_before.timed_out:  # a change that makes them hang is known soon
            left = min(left, _GRACE_SECONDS + _TIMES * tested_before.seconds)
        lint_after, tested_after = _check(job, changes, left, notes)
        report = _compare(job, tested_before, tested_after) if tested_after else None
        if report and 0 < len(report.broken) <= _FEW:
            report = _again(job, changes, report, deadline - time.monotonic(), notes)
    except WorkspaceError as error:
        return Verification(0.5, notes=[f"No test was run: {error.message}"])
    lint = list((lint_after - lint_before).elements())
    return Verification(_score(report, lint), lint=lint, tests=report, notes=list(dict.fromkeys(notes)))


def with_all_tests(
    workspace: Path, changes: Changes, found: Verification, seconds: float
) -> Verification | None:
    """Return ``found`` with what all the tests say of ``changes``, not only those in some files.

    Args:
        workspace: from ``open_workspace``.
        changes: as ``verify`` had them.
        found: what ``verify`` said.
        seconds: for both runs together; None is returned if the tests take longer.
    """
    deadline = time.monotonic() + seconds
    command = find_test_command(workspace)
    if found.tests is None or command is None or not command.takes_files:
        return found
    if set(found.tests.files) >= set(runnable_tests(workspace)):
        return found
    job = _Job(workspace, tuple(changes), (), command, ())
    notes: list[str] = []
    _, before = _before(job, seconds / 2, notes)
    if before is None or before.timed_out:
        return None
    _, after = _check(job, changes, deadline - time.monotonic(), notes)
    if after is None or after.timed_out:
        return None
    report = _compare(job, before, after)
    if 0 < len(report.broken) <= _FEW:
        report = _again(job, changes, report, deadline - time.monotonic(), notes)
    return replace(found, score=_score(report, found.lint), tests=report, notes=[*found.notes, *notes])


def _current(workspace: Path, changes: Changes) -> dict[str, bytes | None]:
    tree = Tree(workspace)
    found = {path: tree.read(checked(path)) for path in changes}
    return {path: read[0] if read else None for path, read in found.items()}


def _affected(
    workspace: Path,
    changes: Changes,
    before: Mapping[str, bytes | None],
    command: TestCommand | None,
    notes: list[str],
) -> list[str]:
    """Return the test files to run; none if the command takes none."""
    if command is None or not command.takes_files:
        return []
    ranges = {path: changed_ranges(before[path] or b"", changes[path] or b"") for path in changes}
    found = affected_tests(workspace, ranges)
    if not found:
        notes.append("No test was found that the change affects.")
    return found


def _before(job: _Job, seconds: float, notes: list[str]) -> _Checked:
    """Return what the checks say of the workspace as it is; asked once for each of its states."""
    key = (job, state_of(job.workspace))
    known = _known.get(key)
    if known is None:
        known = _check(job, {}, seconds, notes)
        if not (known[1] and known[1].timed_out):
            while len(_known) >= _KEPT:
                del _known[next(iter(_known))]
            _known[key] = known
    return known


def _check(job: _Job, changes: Changes, seconds: float, notes: list[str]) -> _Checked:
    """Lint and test a copy with ``changes``."""
    found: Counter[Finding] = Counter()
    if job.command is None and not job.linters:
        return found, None
    started = time.monotonic()
    with scratch(job.workspace, changes) as made:
        for linter in job.linters:
            said = findings(linter, made, job.workspace, job.paths)
            if said is None:
                notes.append(f"{linter.name} could not be run.")
            found += said or Counter()
        left = seconds - (time.monotonic() - started)
        tested = None
        if job.command is not None and left > _LEAST_SECONDS:
            tested = run_tests(job.command, made, job.workspace, job.files, left)
        if job.command is not None and (tested is None or tested.timed_out):
            notes.append(f"The tests did not end within {max(seconds, 0):.0f} s.")
        if made.left_out:
            notes.append(f"Left out of the copy, too large or unreadable: {', '.join(made.left_out[:3])}.")
    return found, tested


def _again(job: _Job, changes: Changes, report: TestReport, seconds: float, notes: list[str]) -> TestReport:
    """Return ``report`` without the tests that are broken only some of the times that they are run."""
    if report.after.timed_out or seconds < 2 * report.after.seconds:
        return report
    _, second = _check(replace(job, linters=()), changes, seconds, notes)
    if second is None or second.timed_out:
        return report
    flaky = [name for name in report.broken if second.outcomes.get(name) == PASSED]
    if flaky:
        notes.append(f"Failed once and passed when run again: {', '.join(flaky)}.")
    return replace(report, broken=[name for name in report.broken if name not in flaky])


def _compare(job: _Job, before: Tested | None, after: Tested) -> TestReport:
    known = before is not None and not before.timed_out
    was = before.outcomes if before is not None else {}
    fixed: list[str] = []
    broken: list[str] = []
    failing: list[str] = []
    for name, said in after.outcomes.items():
        if said == FAILED:
            (failing if was.get(name) == FAILED or not known else broken).append(name)
        elif said == PASSED and was.get(name) == FAILED and known:
            fixed.append(name)
    command = list(job.command.argv) if job.command else []
    return TestReport(command, list(job.files), before, after, fixed, broken, failing)


def _score(tests: TestReport | None, lint: Sequence[Finding]) -> float:
    """Return 0..1: broken tests below none run, those below all sound, those below failing ones fixed."""
    penalty = min(len(lint), 5) * 0.01
    if tests is None or not (tests.after.ran or tests.after.timed_out):
        return 0.5 - penalty
    if tests.after.timed_out:
        return 0.1 - penalty
    if tests.broken:
        share = len(tests.broken) / (len(tests.broken) + tests.after.passed)
        return round(0.4 - 0.2 * share + 0.05 * bool(tests.fixed) - penalty, 4)
    if tests.fixed:
        return round(0.8 + 0.2 * len(tests.fixed) / (len(tests.fixed) + len(tests.failing)) - penalty, 4)
    return 0.65 - penalty
