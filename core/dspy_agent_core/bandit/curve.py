"""The rewards over time in constant memory: means of equally many decisions, of ever more as they go on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

MOST_BUCKETS: Final = 128


@dataclass(slots=True)
class Curve:
    """``sums`` holds the rewards of ``width`` decisions each; the last bucket may have fewer."""

    width: int = 1
    count: int = 0
    sums: list[float] = field(default_factory=list)

    def begin(self, reward: float) -> None:
        """Add a decision that earned ``reward``."""
        if self.count == self.width * MOST_BUCKETS:
            self.sums = [one + other for one, other in zip(self.sums[::2], self.sums[1::2], strict=True)]
            self.width *= 2
        if self.count % self.width == 0:
            self.sums.append(0.0)
        self.count += 1
        self.sums[-1] += reward

    def amend(self, number: int, reward: float) -> None:
        """Add ``reward`` to the decision ``number``, counted from 0."""
        self.sums[number // self.width] += reward

    def means(self) -> list[tuple[int, float]]:
        """Return the number of the first decision and the mean reward of each bucket."""
        return [
            (first, total / min(self.width, self.count - first))
            for first, total in zip(range(0, self.count, self.width), self.sums, strict=True)
        ]

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {"width": self.width, "count": self.count, "sums": self.sums}

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Curve:
        """Return the curve whose ``snapshot`` is ``state``.

        Raises:
            ValueError: it is none.
        """
        width, count, sums = int(state["width"]), int(state["count"]), [float(one) for one in state["sums"]]
        if width < 1 or count < 0 or len(sums) != -(-count // width) or len(sums) > MOST_BUCKETS:
            raise ValueError("no curve")
        return cls(width, count, sums)
