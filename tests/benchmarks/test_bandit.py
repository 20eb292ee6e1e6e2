"""What the benchmark of the bandit rests on: worlds that are the same for all, masks that hold, figures
that add up.
"""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.bandit.play import bounds, interval, mean_reward
from benchmarks.bandit.players import EPSILON, OURS
from benchmarks.bandit.sessions import COOLDOWNS, TOOLS, tool_sessions
from benchmarks.bandit.worlds import World, of_labels


def spots(*, drift: bool) -> World:
    """Three clouds of points, which are easy to tell apart."""
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 300)
    return of_labels("spots", np.eye(3)[labels] + rng.normal(0, 0.05, (300, 3)), labels, 300, drift=drift)


@pytest.mark.parametrize("drift", [False, True])
def test_what_is_drawn_depends_on_seed_and_round_alone(drift: bool) -> None:
    world = tool_sessions(60, drift=drift)
    first, second = world.start(4), world.start(4)
    for at in range(60):
        (x, allowed), (same, _) = first.look(), second.look()
        np.testing.assert_array_equal(x, same)
        arm = int(np.flatnonzero(allowed)[at % allowed.sum()])
        assert first.take(arm) == second.take(arm)


def test_a_tool_rests_for_its_cooldown() -> None:
    run = tool_sessions(200, drift=False).start(1)
    index = TOOLS.index("index")
    free = []
    for _ in range(200):
        allowed = run.look()[1]
        free.append(bool(allowed[index]))
        run.take(index if allowed[index] else TOOLS.index("ls"))
    assert COOLDOWNS[index] == 300
    assert free[0]
    assert not free[1]
    assert any(free[2:])


@pytest.mark.parametrize("drift", [False, True])
def test_the_oracle_is_best_and_what_learns_is_better_than_chance(drift: bool) -> None:
    world = spots(drift=drift)
    low, high = bounds(world, 2)
    assert high == 1.0
    assert low < 0.45
    assert mean_reward(OURS, {}, world, 2) > low + 0.25
    assert mean_reward(EPSILON, EPSILON.grid[0], world, 2) < 0.6


def test_under_drift_the_arms_mean_something_else_after_half() -> None:
    steady, drifting = spots(drift=False).start(5), spots(drift=True).start(5)
    same = []
    for _ in range(300):
        same.append(bool((steady.expected() == drifting.expected()).all()))
        steady.take(0)
        drifting.take(0)
    assert all(same[:150])
    assert not all(same[150:])


def test_a_mean_lies_in_its_interval() -> None:
    mean, half = interval([0.1, 0.2, 0.3, 0.4])
    assert mean == pytest.approx(0.25)
    assert 0 < half < 0.15
    assert interval([0.5, 0.5]) == (0.5, 0.0)
