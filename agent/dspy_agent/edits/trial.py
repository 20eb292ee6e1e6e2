"""Tries a candidate: on the failing tests first, which is quick, then by all the checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from dspy_agent.edits.executed import run_traced
from dspy_agent.edits.locate import Looked
from dspy_agent.edits.results import Candidate
from dspy_agent.edits.tests_of import files_of
from dspy_agent.edits.traced import python_with_pytest
from dspy_agent.verify.affected import affected_tests
from dspy_agent.verify.checks import Verification, verify, with_all_tests
from dspy_agent.verify.worktree import scratch

_QUICK_SECONDS = 30.0
_CHECK_SECONDS = 180.0
_LEAST_SECONDS = 10.0
_SUITE_SECONDS = 60.0
_SUITE_SHARE = 0.4  # of the time that is left
_MOST_TARGETS = 20


class Trials:
    """Judges the candidates of one task in scratch copies of ``workspace``."""

    def __init__(self, workspace: Path, looked: Looked, deadline: float, tell: Callable[[str], None]) -> None:
        self._workspace, self._deadline, self._tell = workspace, deadline, tell
        self._failing = looked.executed.failing[:_MOST_TARGETS]
        named = [test for test in self._failing if _is_named(test, looked.tests)]
        self._targets = named or self._failing
        self._named = files_of(looked.tests)
        self._slow = False  # the whole suite is
        self._affected: dict[tuple[str, tuple[int, int]], list[str]] = {}

    def _left(self) -> float:
        return max(_LEAST_SECONDS, self._deadline - time.monotonic())

    def judged(self, candidate: Candidate) -> Candidate:
        """Return ``candidate`` with what the tests and the checks say of it."""
        passed, failure = self._on_failing(candidate)
        if failure and not set(self._targets) <= passed:
            return replace(candidate, failure=failure, score=round(0.3 * len(passed) / len(self._failing), 4))
        self._tell(f"candidate {candidate.number}: checking syntax, lint and tests")
        found = verify(
            self._workspace,
            candidate.changes,
            tests=self._tests(candidate),
            seconds=min(_CHECK_SECONDS, self._left()),
        )
        verified = self._is_verified(found)
        if verified and not self._slow:
            found = self._with_all_tests(candidate, found)
            verified = self._is_verified(found)
        return replace(
            candidate,
            verification=found,
            failure=failure if found.is_sound else _told(found),
            score=found.score,
            verified=verified,
        )

    def _with_all_tests(self, candidate: Candidate, found: Verification) -> Verification:
        self._tell(f"candidate {candidate.number}: running all the tests")
        seconds = min(_SUITE_SECONDS, _SUITE_SHARE * self._left())
        whole = with_all_tests(self._workspace, candidate.changes, found, seconds)
        self._slow = whole is None
        note = f"Not all the tests were run: they take more than {seconds / 2:.0f} s."
        return whole or replace(found, notes=[*found.notes, note])

    def _on_failing(self, candidate: Candidate) -> tuple[set[str], str]:
        """Return which of the failing tests pass now, and what the first of the others says."""
        python = python_with_pytest(self._workspace) if self._failing else None
        if python is None:
            return set(), ""
        self._tell(f"candidate {candidate.number}: running the failing tests")
        seconds = min(_QUICK_SECONDS, self._left())
        with scratch(self._workspace, candidate.changes) as made:
            ran = run_traced(made, self._workspace, python, self._failing, seconds, lines=False)
        passed = {test for test in self._failing if ran.outcomes.get(test) == "passed"}
        if len(passed) == len(self._failing):
            return passed, ""
        said = [*(failure.text for failure in ran.failures.values()), *(error.text for error in ran.errors)]
        return passed, said[0] if said else "The tests did not end."

    def _tests(self, candidate: Candidate) -> Sequence[str] | None:
        """Return the test files to run: those of the task, and those that the change may affect."""
        if not self._named:
            return None
        affected: list[str] = []
        if candidate.lines:
            place = candidate.path, candidate.lines
            if place not in self._affected:
                self._affected[place] = affected_tests(self._workspace, {candidate.path: [candidate.lines]})
            affected = self._affected[place]
        return list(dict.fromkeys([*self._named, *affected]))

    def _is_verified(self, found: Verification) -> bool:
        tests = found.tests
        if not found.is_sound or tests is None or not tests.after.ran or tests.after.timed_out:
            return False
        return bool(self._targets or tests.fixed or not tests.failing)


def _is_named(test: str, named: Sequence[str]) -> bool:
    return any(test == name or test.startswith((f"{name}[", f"{name}::")) for name in named)


def _told(found: Verification) -> str:
    """Return why a change is not sound."""
    if found.syntax:
        return f"line {found.syntax[0].line}: {found.syntax[0].message}"
    tests = found.tests
    if tests is None:
        return ""
    return f"These tests fail now: {', '.join(tests.broken[:5])}\n{tests.after.output[-1500:]}"
