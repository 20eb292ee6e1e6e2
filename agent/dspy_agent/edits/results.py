"""What an edit was asked for, what was looked at, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dspy_agent.verify.checks import Verification


@dataclass(frozen=True, slots=True)
class EditOptions:
    """How an edit is made.

    Args:
        files: where to look, or the new files to write.
        symbols: what to change, by name.
        tests: test ids that should pass afterwards, beside those that the task names.
        candidates: how many whole definitions the model is asked for at most; single lines come first. 0: no
            model is asked.
        seconds: for the whole: finding, writing and checking.
        seed: of the model's sampling.
        warm: no answer is the likeliest one: that was had before.
    """

    files: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    candidates: int = 4
    seconds: float = 300.0
    seed: int = 0
    warm: bool = False


@dataclass(frozen=True, slots=True)
class Located:
    """A symbol that may have to change: where, how likely (the best has 1), and what says so."""

    path: str
    symbol: str
    line: int
    end_line: int
    score: float
    why: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One answer of the model, or a small change that needed none (``mechanical``), perhaps ``guessed``.

    ``changes`` are whole new files (bytes); ``rejected`` says why it was thrown away before any check ran;
    ``round`` is 1 for an answer to the failure of the one before; ``verified``: the checks say that it does
    what was asked and breaks nothing; ``failure``: what they say else, or of other tests that still fail;
    ``score``: the higher, the better.
    """

    number: int
    path: str
    symbol: str
    changes: Mapping[str, bytes] = field(default_factory=dict)
    verification: Verification | None = None
    rejected: str | None = None
    temperature: float = 0.0
    round: int = 0
    lines: tuple[int, int] | None = None
    answer: str = ""
    failure: str = ""
    score: float = 0.0
    verified: bool = False
    mechanical: bool = False
    guessed: bool = False

    @property
    def does_it(self) -> bool:
        """Whether it is verified, and no test that was to pass still fails."""
        return self.verified and not self.failure

    @property
    def leaves_failing(self) -> bool:
        """Whether tests fail with it, as they did before."""
        return bool(self.verification and self.verification.tests and self.verification.tests.failing)


@dataclass(frozen=True, slots=True)
class Edited:
    """What was found, tried and chosen. ``best`` is verified, or the least bad; None if none is usable."""

    located: tuple[Located, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    best: Candidate | None = None
    notes: tuple[str, ...] = ()
