"""What a module is trained on, and how its answers are told good from bad."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any, NamedTuple


@dataclass(frozen=True, slots=True)
class Example:
    """One question with what plain code can check its answer by.

    Args:
        id: equal for equal examples, in any run.
        group: examples that share one come into the same part: a file, a commit, an event's type.
        facts: what the metric knows of the right answer; the module never sees it. JSON values.
        make: makes the module's inputs, when they are asked for: that may take a search.
    """

    id: str
    group: str
    facts: Mapping[str, Any]
    make: Callable[[], Mapping[str, Any]]

    @property
    def inputs(self) -> Mapping[str, Any]:
        """The module's inputs."""
        return self.make()


def lazily(make: Callable[..., Mapping[str, Any]], *arguments: Any) -> Callable[[], Mapping[str, Any]]:
    """Return a function that calls ``make(*arguments)`` once, when it is first called."""
    return cache(partial(make, *arguments))


class Score(NamedTuple):
    """How good an answer is, 0 to 1, and in words what was right and wrong: GEPA learns from those."""

    score: float
    feedback: str


Metric = Callable[[Example, Any, Path], Score]


class Check(NamedTuple):
    """One thing that plain code checks: its share of the score, how far it holds, and what to say if not."""

    weight: float
    holds: float
    feedback: str


def score_of(checks: Sequence[Check]) -> Score:
    """Return the weighted mean of ``checks``, with the feedback of those that do not hold."""
    whole = sum(check.weight for check in checks)
    score = sum(check.weight * min(max(check.holds, 0.0), 1.0) for check in checks) / whole
    said = [check.feedback for check in checks if check.holds < 1.0]
    return Score(round(score, 4), " ".join(said) or "Right in all that was checked.")


def example_id(*parts: Any) -> str:
    """Return an id made from ``parts``."""
    return hashlib.sha256(json.dumps(parts, default=str).encode()).hexdigest()[:12]


def dataset_fingerprint(parts: Mapping[str, Sequence[Example]]) -> str:
    """Return what is equal for the same examples in the same parts."""
    return example_id({name: [[e.id, e.facts] for e in part] for name, part in parts.items()})
