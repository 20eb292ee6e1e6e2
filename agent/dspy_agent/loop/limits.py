"""What a conversation may take: steps, seconds, tokens. Plain counting: no model can argue with it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Final

MOST_FAILURES: Final = 3


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one task: at most so many ``steps``, ``seconds``, and ``tokens`` of prompts and answers."""

    steps: int = 8
    seconds: float = 300.0
    tokens: int = 20_000


@dataclass(slots=True)
class Meter:
    """Counts one task's use against its ``limits``."""

    limits: Limits
    started: float = field(default_factory=time.monotonic)
    steps: int = 0
    failures: int = 0
    taken: set[str] = field(default_factory=set)

    def over(self, tokens: int) -> str:
        """Return why no further step may be taken, with ``tokens`` used so far; "" if one may."""
        if self.steps >= self.limits.steps:
            return f"{self.limits.steps} steps were taken"
        if time.monotonic() - self.started >= self.limits.seconds:
            return f"{self.limits.seconds:g} seconds are over"
        if tokens >= self.limits.tokens:
            return f"{self.limits.tokens} tokens are used"
        if self.failures >= MOST_FAILURES:
            return f"{self.failures} steps in a row failed"
        return ""

    def repeats(self, step: str) -> bool:
        """Return whether ``step`` was taken before; it counts as taken from now on."""
        repeated = step in self.taken
        self.taken.add(step)
        return repeated

    def took(self, *, failed: bool) -> None:
        """Count a step."""
        self.steps += 1
        self.failures = self.failures + 1 if failed else 0
