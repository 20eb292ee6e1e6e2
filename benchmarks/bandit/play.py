"""Lets systems play worlds."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.bandit.players import Settings, System
from benchmarks.bandit.worlds import World


def mean_reward(system: System, settings: Settings, world: World, seed: int) -> float:
    """Return the mean expected reward of one pass."""
    player, run = system.make(world.arms, world.size, seed, settings), world.start(seed)
    total = 0.0
    for _ in range(world.rounds):
        x, allowed = run.look()
        arm = player.act(x, allowed)
        if not allowed[arm]:
            raise ValueError(f"{system.name} took an arm that was not allowed")
        total += float(run.expected()[arm])
        player.learn(run.take(arm))
    return total / world.rounds


def bounds(world: World, seed: int) -> tuple[float, float]:
    """Return the mean expected reward of an arm by chance, and that of the oracle, which knows all."""
    means = []
    for oracle in (False, True):
        run, rng, total = world.start(seed), np.random.default_rng(seed), 0.0
        for _ in range(world.rounds):
            _, allowed = run.look()
            worth = run.expected()
            best = int(np.argmax(np.where(allowed, worth, -np.inf)))
            arm = best if oracle else int(rng.choice(np.flatnonzero(allowed)))
            total += float(worth[arm])
            run.take(arm)
        means.append(total / world.rounds)
    return means[0], means[1]


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and half of its 95 % interval (bootstrap over seeds, 2,000 samples)."""
    array = np.asarray(values)
    rng = np.random.default_rng(1)
    means = array[rng.integers(0, len(array), (2000, len(array)))].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(array.mean()), float(high - low) / 2
