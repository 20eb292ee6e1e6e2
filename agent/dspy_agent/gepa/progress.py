"""Tells how a training goes: the scores, the calls left, and about how long they will take."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from dspy_agent.gepa.budget import Budget

_QUIET_SECONDS: Final = 15.0


class Progress:
    """GEPA's callbacks. Remembers the best candidate itself: a search that ends early returns none."""

    def __init__(self, budget: Budget, say: Callable[[str], None]) -> None:
        self._budget = budget
        self._say = say
        self._last = 0.0
        self.before: float | None = None
        self.best: tuple[float, dict[str, str]] | None = None
        self.candidates = 0
        self.in_vain = 0

    def on_valset_evaluated(self, event: Any) -> None:
        """A candidate's score on all validation examples."""
        score = round(float(event["average_score"]), 4)
        better = self.best is None or score > self.best[0]
        self.in_vain = 0 if better else self.in_vain + 1
        if better:
            self.best = (score, dict(event["candidate"]))
        if self.before is None:
            self.before = score
            self.say(f"before training: {score:.3f}")
            return
        self.candidates += 1
        self.say(f"candidate {self.candidates}: {score:.3f}{' (best so far)' if better else ''}")

    def on_candidate_rejected(self, event: Any) -> None:
        """A proposal that was no better on the examples that it was made for."""
        self.in_vain += 1
        old, new = event["old_score"], event["new_score"]
        self.say(f"a proposal is no better on its examples ({new:.2f}, was {old:.2f})")

    def left_out(self, why: str) -> None:
        """A proposal that is no instruction."""
        self.in_vain += 1
        self.say(f"a proposal is left out: {why}")

    def asked(self) -> None:
        """A question was answered."""
        if self._budget.passed - self._last >= _QUIET_SECONDS:
            self.say("asking")

    def say(self, what: str) -> None:
        """Tell ``what``, and how much of the budget is left."""
        self._last = self._budget.passed
        left = self._budget.seconds_left
        about = "" if left is None else f", about {_time(left)} left"
        self._say(f"{what} · {self._budget.used} of {self._budget.calls} calls{about}")


def _time(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
