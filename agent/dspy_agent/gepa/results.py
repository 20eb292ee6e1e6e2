"""What training and evaluation tell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TrainResult:
    """What came out of a training.

    Args:
        kept: whether the new instructions are better, and saved.
        before, after: mean scores on the validation examples; None if not even the first was through.
        candidates: how many instructions were tried on all of them.
        left_out: proposals that could not be used, by reason.
        resumed: how many answers a run before had left.
        next: the next command.
    """

    module: str
    model: str
    examples: Mapping[str, int]
    kept: bool
    before: float | None
    after: float | None
    candidates: int
    left_out: Mapping[str, int]
    calls: int
    resumed: int
    seconds: float
    instructions: Mapping[str, str]
    why: str
    next: str

    def __bool__(self) -> bool:
        return self.kept


@dataclass(frozen=True, slots=True)
class EvalResult:
    """How a module does on the held-out examples, as it ships and as trained.

    Args:
        examples: how many there were.
        shipped, trained: mean scores.
        difference: trained less shipped.
        low, high: in which the difference lies with 95 % confidence (paired bootstrap).
        better, worse: on how many examples.
        verdict: ``better``, ``worse`` or ``no difference``.
        worst: what was said of the answers of the trained module with the lowest scores.
    """

    module: str
    model: str
    examples: int
    shipped: float
    trained: float
    difference: float
    low: float
    high: float
    better: int
    worse: int
    verdict: str
    worst: tuple[str, ...]
    next: str


def why_kept(kept: bool, before: float | None, *, trained_before: bool) -> str:
    """Return in words what a training came to."""
    if kept:
        return "Better on the validation examples: saved, and used from now on."
    if before is None:
        return "The budget did not reach through the validation examples once: nothing is known."
    old = "what was trained before" if trained_before else "what ships"
    return f"Nothing was better on the validation examples than {old}: that stays."


def next_command(module: str, kept: bool, calls: int) -> str:
    """Return the command that comes after a training."""
    if kept:
        return f"dspy-agent gepa eval --module {module}"
    return f"dspy-agent gepa train --module {module} --calls {2 * calls}"
