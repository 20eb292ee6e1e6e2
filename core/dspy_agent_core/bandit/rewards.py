"""What a step was worth, from what then happened. Finding or printing something is worth nothing by itself.

A step's reward is the sum of parts, each of which can be shown. The parts of an event come from its
``outcome``; those that come later are events of their own, and add to the step that they came of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

Outcome = Mapping[str, bool | int | float | str]


@dataclass(frozen=True, slots=True)
class Part:
    """What can come of a step: its ``weight`` in the reward, and in words when it is given."""

    weight: float
    words: str


PARTS: Final[Mapping[str, Part]] = {
    "opened": Part(0.5, "a hit was opened: all of it for the first one shown, less for later ones"),
    "edited": Part(0.7, "a file that was shown was then edited; by its place, as for opened"),
    "cited": Part(0.4, "an answer rested on it"),
    "step_run": Part(0.5, "a step of the plan was run"),
    "kept": Part(0.6, "a change was made, and not undone"),
    "undone": Part(-0.8, "a change was undone"),
    "verified": Part(0.8, "a verifier (tests, lint, build) got better; less than nothing where it got worse"),
    "thumbs": Part(1.0, "you said that it was good, or bad"),
    "failed": Part(-0.3, "the tool failed"),
    "time": Part(-0.1, "what it took: all of it for a minute or more"),
    "tokens": Part(-0.1, "what the model read and wrote: all of it for 32,000 tokens or more"),
}
_LONG_MS: Final = 60_000.0
_MANY_TOKENS: Final = 32_000.0


def parts_of(tool: str, outcome: Outcome, cost_ms: float) -> dict[str, float]:
    """Return the parts of an event's reward, without those that are 0.

    ``outcome["use"]`` names what came of an earlier step: opened, edited (with ``path_rank``), cited,
    step_run, kept, undone, verified (with ``better``: 1 better, -1 worse), thumbs (with ``up``: whether it
    is good). Without it the event is the step itself: ``failed``, ``tokens`` and its time count.
    """
    use = outcome.get("use")
    if use is not None:
        shares = {str(use): _share(str(use), outcome)}
    else:
        shares = {
            "failed": float(bool(outcome.get("failed"))),
            "time": _logarithmic(cost_ms / 1000, _LONG_MS / 1000),
            "tokens": _logarithmic(_number(outcome.get("tokens")) / 1000, _MANY_TOKENS / 1000),
        }
    return {name: PARTS[name].weight * share for name, share in shares.items() if name in PARTS and share}


def total(parts: Mapping[str, float]) -> float:
    """Return the reward that ``parts`` make, within -1..1."""
    return max(-1.0, min(1.0, math.fsum(parts.values())))


def _share(use: str, outcome: Outcome) -> float:
    if use in ("opened", "edited"):
        return 1 / math.log2(1 + max(1.0, _number(outcome.get("path_rank"), 1.0)))
    if use == "verified":
        return max(-1.0, min(1.0, _number(outcome.get("better"))))
    if use == "thumbs":
        return 1.0 if outcome.get("up") else -1.0
    return 1.0


def _logarithmic(amount: float, most: float) -> float:
    return min(1.0, math.log1p(max(0.0, amount)) / math.log1p(most)) if math.isfinite(amount) else 1.0


def _number(value: Any, default: float = 0.0) -> float:
    try:
        return float(value) if isinstance(value, int | float) and math.isfinite(value) else default
    except OverflowError:
        return default
