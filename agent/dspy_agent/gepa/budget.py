"""How much a training run may cost, and how much is left."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from dspy_agent_core.errors import ModelError


class Ended(Exception):
    """The run can't go on; ``trouble`` is why, None when its budget is used up."""

    def __init__(self, trouble: ModelError | None = None) -> None:
        super().__init__("the budget is used up" if trouble is None else trouble.message)
        self.trouble = trouble


@dataclass(slots=True)
class Budget:
    """Counts the questions to a model.

    Args:
        calls: how many there may be, those that the journal answers included: so that a run that goes on
            ends where it would have.
        seconds: how long this process may take.
    """

    calls: int
    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    used: int = 0
    _asked: int = 0
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._started = self.clock()

    def take(self) -> None:
        """Count a question.

        Raises:
            Ended: there may be no more.
        """
        if self.spent:
            raise Ended
        self.used += 1

    def asked(self) -> None:
        """Count a question that the journal could not answer."""
        self._asked += 1

    @property
    def spent(self) -> bool:
        """Whether there may be no more."""
        return self.used >= self.calls or (self.seconds is not None and self.passed >= self.seconds)

    @property
    def passed(self) -> float:
        """Seconds since the start."""
        return self.clock() - self._started

    @property
    def seconds_left(self) -> float | None:
        """What the rest will take, by the pace so far; None if nothing was asked yet."""
        if not self._asked:
            return None
        by_calls = (self.calls - self.used) * self.passed / self._asked
        return by_calls if self.seconds is None else min(by_calls, max(0.0, self.seconds - self.passed))
