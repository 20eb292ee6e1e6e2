"""Rewards over time: means of equally many decisions, and a plot of them in text."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dspy_agent.learning.history import Earned

WIDTH: Final = 60
HEIGHT: Final = 10
_Z: Final = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Bucket:
    """Some decisions in a row: the number of the first and its time, and the mean of what they earned.

    ``low`` and ``high``: the 95 % interval of the mean; none of a single decision.
    """

    first: int
    ts: str
    decisions: int
    mean: float
    low: float | None
    high: float | None


def buckets(earned: Sequence[Earned], most: int = WIDTH) -> list[Bucket]:
    """Return at most ``most`` buckets of equally many decisions, the last of them perhaps of fewer."""
    size = max(1, math.ceil(len(earned) / most))
    return [_bucket(first, earned[first : first + size]) for first in range(0, len(earned), size)]


def _bucket(first: int, some: Sequence[Earned]) -> Bucket:
    rewards = [one.reward for one in some]
    mean = math.fsum(rewards) / len(rewards) + 0.0
    if len(rewards) == 1:
        return Bucket(first, some[0].ts, 1, round(mean, 4) + 0.0, None, None)
    variance = math.fsum((reward - mean) ** 2 for reward in rewards) / (len(rewards) - 1)
    half = _Z * math.sqrt(variance / len(rewards))
    return Bucket(
        first, some[0].ts, len(rewards), round(mean, 4) + 0.0, round(mean - half, 4), round(mean + half, 4)
    )


def plot(found: Sequence[Bucket], *, ascii_only: bool = False) -> list[str]:
    """Return a plot of the means, a column each, with the scale at its left and the numbers below.

    The scale reaches from the smallest to the largest mean, and has 0 in it.
    """
    mark, zero = ("*", "-") if ascii_only else ("●", "┈")
    means = [one.mean for one in found]
    low, high = min(0.0, *means), max(0.0, *means)
    if high - low < 1e-9:
        high = low + 0.1
    step = (high - low) / (HEIGHT - 1)

    def row(value: float) -> int:
        return HEIGHT - 1 - round((value - low) / step)

    lines = []
    for number in range(HEIGHT):
        cells = [mark if row(mean) == number else zero if row(0.0) == number else " " for mean in means]
        lines.append(f"{high - number * step:>+7.3f} | {''.join(cells)}".rstrip())
    last = str(found[-1].first + found[-1].decisions)
    room = max(1, len(means) - len(last))
    return [*lines, f"{'':>7} +-{'-' * len(means)}", f"{'':>9} {'1'.ljust(room)}{last}"]
