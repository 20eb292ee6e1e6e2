"""Which code failing tests run and passing ones don't: the strongest hint of where a bug is.

The suspicion of a line is Ochiai's coefficient (Abreu, Zoeteweij, van Gemund, PRDC 2006).
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from dspy_agent.edits.clues import Place
from dspy_agent.edits.plugin import run_plugin
from dspy_agent.verify.worktree import Scratch

_LARGEST: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Failure:
    """What a failing test said.

    ``frames``: the places of the project that its error came through, innermost last; ``recent``: where the
    functions begin that it called last, the last one first.
    """

    text: str
    frames: tuple[Place, ...] = ()
    recent: tuple[Place, ...] = ()


@dataclass(frozen=True, slots=True)
class Executed:
    """What the tests ran.

    Args:
        counts: path → line → number of failing and of passing tests that ran it.
        outcomes: test id → ``passed``, ``failed`` or ``skipped``.
        failures: what some of the failing tests said.
        errors: what the files said that can't be imported.
    """

    counts: Mapping[str, Mapping[int, tuple[int, int]]] = field(default_factory=dict)
    outcomes: Mapping[str, str] = field(default_factory=dict)
    failures: Mapping[str, Failure] = field(default_factory=dict)
    errors: tuple[Failure, ...] = ()

    @property
    def failing(self) -> list[str]:
        """The tests that fail, in the order they ran."""
        return [test for test, outcome in self.outcomes.items() if outcome == "failed"]

    def passing_near(self, tests: Sequence[str], most: int) -> list[str]:
        """Return tests that pass and stand nearest to one of ``tests``, at most ``most``."""
        ran = list(self.outcomes)
        places = [at for at, test in enumerate(ran) if test in tests]
        passing = [at for at, test in enumerate(ran) if self.outcomes[test] == "passed"]
        passing.sort(key=lambda at: min((abs(at - place) for place in places), default=0))
        return [ran[at] for at in passing[:most]]

    def scores(self, path: str, first: int, last: int) -> dict[int, float]:
        """Return the suspicion (0..1) of each line from ``first`` to ``last`` that failing tests run."""
        failing = len(self.failing)
        return {
            line: failed / math.sqrt(failing * (failed + passed))
            for line, (failed, passed) in sorted(self.counts.get(path, {}).items())
            if first <= line <= last and failed and failing
        }

    def suspicion(self, path: str, first: int, last: int) -> Suspicion:
        """Return what the tests say of the lines ``first`` to ``last`` of a file."""
        counts = self.counts.get(path, {})
        scored = [(score, *counts[line]) for line, score in self.scores(path, first, last).items()]
        if not scored:
            return Suspicion()
        best = max(scored)
        entered = max(scored, key=lambda line: line[1] + line[2])
        return Suspicion(*best, contrast=best[0] - entered[0], lines=len(scored))

    def suspects(self, path: str, first: int, last: int) -> list[int]:
        """Return the most suspicious lines from ``first`` to ``last``, if some are more so than others."""
        scores = self.scores(path, first, last)
        highest = max(scores.values(), default=0.0)
        found = [line for line, score in scores.items() if score > 0.999 * highest]
        return found if len(found) < len(scores) else []


@dataclass(frozen=True, slots=True)
class Suspicion:
    """Of some lines, the highest score (0..1), and how many failing and passing tests ran that one.

    ``contrast``: how much of the score is due to a branch that failing tests take; ``lines``: the number of
    lines that failing tests ran.
    """

    score: float = 0.0
    failed: int = 0
    passed: int = 0
    contrast: float = 0.0
    lines: int = 0


def run_traced(
    made: Scratch,
    workspace: Path,
    python: str,
    tests: Sequence[str],
    seconds: float,
    *,
    first: Sequence[str] = (),
    lines: bool = True,
) -> Executed:
    """Run ``tests`` (ids or files) in a scratch copy and return what they executed.

    Args:
        made: a copy of ``workspace``.
        python: the project's interpreter, which has pytest.
        seconds: what has not run by then is left out.
        first: ids of those that are expected to fail; they run before the others.
        lines: False: only what comes of them is wanted.
    """
    out = made.out / "trace.json"
    run_plugin(
        "tracer",
        made,
        workspace,
        python,
        tests,
        seconds + 5,
        options=["--tb=short"],
        environment={
            "DSPY_AGENT_TRACE_OUT": str(out),
            "DSPY_AGENT_TRACE_FIRST": "\n".join(first),
            "DSPY_AGENT_TRACE_SECONDS": str(seconds),
            "DSPY_AGENT_TRACE_LINES": "1" if lines else "0",
        },
    )
    return _read(out)


def _read(out: Path) -> Executed:
    """Return what the tracer left: nothing, if the project's tests could not even start."""
    try:
        if out.stat().st_size > _LARGEST:
            return Executed()
        found: dict[str, Any] = json.loads(out.read_text("utf-8"))
        return Executed(
            {
                path: {int(line): (int(pair[0]), int(pair[1])) for line, pair in lines.items()}
                for path, lines in found["counts"].items()
            },
            {str(test): str(outcome) for test, outcome in found["outcomes"].items()},
            {test: _failure(said) for test, said in found["failures"].items()},
            tuple(_failure(said) for said in found["errors"]),
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError):
        return Executed()


def _failure(said: Mapping[str, Any]) -> Failure:
    return Failure(str(said["text"]), _places(said.get("frames", ())), _places(said.get("recent", ())))


def _places(pairs: Sequence[Any]) -> tuple[Place, ...]:
    return tuple(Place(str(path), int(line)) for path, line in pairs)
