"""What plays: one face for all systems, and those that need no peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from benchmarks.bandit.worlds import Array, Mask
from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.policies import POLICIES

Settings = Mapping[str, Any]


class Player(Protocol):
    """A system in one pass; it is told the reward of its last act before the next."""

    def act(self, x: Array, allowed: Mask) -> int:
        """Choose one of the allowed arms."""
        ...

    def learn(self, reward: float) -> None:
        """Learn what the last act gave."""
        ...


@dataclass(frozen=True, slots=True)
class System:
    """A system: how it is made for a number of arms, a length of context and a seed."""

    name: str
    make: Callable[[int, int, int, Settings], Player]
    grid: tuple[Settings, ...]


class Ours:
    """The project's own, without a prior: it knows nothing at the start, as the others."""

    def __init__(self, arms: int, size: int, seed: int, settings: Settings) -> None:
        chosen = dict(settings)
        linear = {key: chosen.pop(key) for key in ("ridge", "discount") if key in chosen}
        names = [f"f{at}" for at in range(size - 1)]
        self._arms = LinearArms([f"arm{at}" for at in range(arms)], names, **linear)
        kind = POLICIES[chosen.pop("policy", "greedy")]
        self._policy = kind(**chosen)
        self._rng = np.random.default_rng(seed)

    def act(self, x: Array, allowed: Mask) -> int:
        """Choose."""
        self._x = x
        self._arm = self._policy.choose(self._arms, x, allowed, self._rng.random()).arm
        return self._arm

    def learn(self, reward: float) -> None:
        """Learn."""
        self._arms.learn(self._arm, self._x, reward)


class EpsilonGreedy:
    """Knows no context: a mean for each arm (or, with ``step``, one that forgets)."""

    def __init__(self, arms: int, size: int, seed: int, settings: Settings) -> None:
        self._rng = np.random.default_rng(seed)
        self._means, self._counts = np.zeros(arms), np.zeros(arms)
        self._epsilon, self._step = settings["epsilon"], settings["step"]

    def act(self, x: Array, allowed: Mask) -> int:
        """Choose."""
        if self._rng.random() < self._epsilon:
            self._arm = int(self._rng.choice(np.flatnonzero(allowed)))
        else:
            self._arm = int(np.argmax(np.where(allowed, self._means, -np.inf)))
        return self._arm

    def learn(self, reward: float) -> None:
        """Learn."""
        self._counts[self._arm] += 1
        step = max(1.0 / self._counts[self._arm], self._step)
        self._means[self._arm] += step * (reward - self._means[self._arm])


OURS = System(
    "ours",
    Ours,
    (
        {},  # the defaults, which were chosen on the tuning sets before
        *({"optimism": optimism} for optimism in (0.1, 0.2, 0.5)),
        *({"discount": discount} for discount in (0.6, 0.9, 0.98)),
        *({"ridge": ridge} for ridge in (1.0, 2.0, 8.0)),
    ),
)
EPSILON = System(
    "ε-greedy, no context",
    EpsilonGreedy,
    tuple({"epsilon": e, "step": s} for e in (0.02, 0.05, 0.1) for s in (0.0, 0.02, 0.1)),
)
