"""Sets as worlds that answer: each round shows a context and a mask, takes an arm, and tells what it gave.

All systems meet the same rounds in the same order: what is drawn depends on the seed and the round only.
Reported is the *expected* reward of what was taken; the systems learn from the drawn one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


class Run(Protocol):
    """One pass through a world."""

    def look(self) -> tuple[Array, Mask]:
        """Return the context (its first number is 1) and which arms may be taken."""
        ...

    def expected(self) -> Array:
        """Return what each arm is worth in this round; only the oracle and the score may look."""
        ...

    def take(self, arm: int) -> float:
        """Return what ``arm`` gave, and go on to the next round."""
        ...


@dataclass(frozen=True, slots=True)
class World:
    """A set: its arms, the length of a context, and how a pass begins."""

    name: str
    arms: int
    size: int
    rounds: int
    start: Callable[[int], Run]


class Rows:
    """A pass through rows with known chances of a reward of 1; ``drift`` gives the arms other meanings
    halfway.
    """

    def __init__(self, contexts: Array, chances: Array, rounds: int, seed: int, *, drift: bool) -> None:
        rng = np.random.default_rng(seed)
        order = np.concatenate([rng.permutation(len(contexts)) for _ in range(-(-rounds // len(contexts)))])
        self._contexts, self._chances = contexts[order[:rounds]], chances[order[:rounds]]
        if drift:
            half = rounds // 2
            self._chances[half:] = self._chances[half:, rng.permutation(chances.shape[1])]
        self._luck = rng.random(rounds)
        self._all = np.ones(chances.shape[1], np.bool_)
        self._at = 0

    def look(self) -> tuple[Array, Mask]:
        """Return the row."""
        return self._contexts[self._at], self._all

    def expected(self) -> Array:
        """Return the chances."""
        return self._chances[self._at]

    def take(self, arm: int) -> float:
        """Return 1 or 0."""
        reward = float(self._luck[self._at] < self._chances[self._at, arm])
        self._at += 1
        return reward


def of_rows(name: str, contexts: Array, chances: Array, rounds: int, *, drift: bool) -> World:
    """Return the world of these rows: ``contexts`` without the constant, ``chances`` of each arm."""
    whole = np.hstack([np.ones((len(contexts), 1)), contexts])
    return World(
        name,
        chances.shape[1],
        whole.shape[1],
        rounds,
        lambda seed: Rows(whole, chances, rounds, seed, drift=drift),
    )


def of_labels(name: str, contexts: Array, labels: NDArray[np.intp], rounds: int, *, drift: bool) -> World:
    """Return the world of a classification: the right label gives 1, any other 0."""
    return of_rows(name, contexts, np.eye(int(labels.max()) + 1)[labels], rounds, drift=drift)
