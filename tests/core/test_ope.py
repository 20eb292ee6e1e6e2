"""Judging a policy by another one's log: known values, properties, coverage of the intervals."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from dspy_agent_core.bandit.ope import Estimates, estimate

Array = NDArray[np.float64]


@st.composite
def logs(draw: st.DrawFn) -> tuple[Array, Array, Array, Array, NDArray[np.intp]]:
    """Rewards, propensities, the judged policy, a model of the rewards, the arms taken."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count, arms = draw(st.integers(1, 40)), draw(st.integers(1, 6))
    behaviour = rng.dirichlet(np.ones(arms), count) * 0.9 + 0.1 / arms
    target = rng.dirichlet(np.full(arms, 0.5), count)
    taken = np.array([rng.choice(arms, p=row / row.sum()) for row in behaviour], np.intp)
    return (
        rng.uniform(-1, 1, count),
        behaviour[np.arange(count), taken],
        target,
        rng.uniform(-1, 1, (count, arms)),
        taken,
    )


def test_the_numbers_of_an_example_worked_by_hand() -> None:
    got = estimate(
        rewards=[1.0, 0.0, 0.5],
        propensities=[0.5, 0.25, 0.5],
        target_probabilities=[[1.0, 0.0], [0.5, 0.5], [0.0, 1.0]],
        predicted=[[0.5, 0.0], [0.5, 0.0], [0.0, 0.25]],
        actions=[0, 1, 0],
    )
    # weights 2, 2, 0: ips (2 + 0 + 0) / 3, snips 2 / 4; dr (1/2 + 2 · 1/2, 1/4 + 2 · 0, 1/4 + 0) / 3
    assert got.ips.value == pytest.approx(2 / 3)
    assert got.snips is not None
    assert got.snips.value == pytest.approx(0.5)
    assert got.dr.value == pytest.approx((1.5 + 0.25 + 0.25) / 3)
    assert got.effective == pytest.approx(2.0)
    half = 1.959964 * math.sqrt(np.var([2.0, 0.0, 0.0], ddof=1) / 3)
    assert (got.ips.low, got.ips.high) == pytest.approx((2 / 3 - half, 2 / 3 + half), rel=1e-6)


@given(logs())
def test_a_policy_judged_by_its_own_log_earned_what_it_earned(
    log: tuple[Array, Array, Array, Array, NDArray[np.intp]],
) -> None:
    rewards, _, target, _, taken = log
    target = target * 0.9 + 0.1 / target.shape[1]
    own = target[np.arange(len(taken)), taken]
    got = estimate(rewards, own, target, np.zeros_like(target), taken)
    assert got.snips is not None
    for one in (got.ips, got.snips, got.dr):
        assert one.value == pytest.approx(rewards.mean())
        assert one.low <= one.value <= one.high
    assert got.effective == pytest.approx(len(rewards))


@given(logs())
def test_the_estimators_keep_what_they_promise(
    log: tuple[Array, Array, Array, Array, NDArray[np.intp]],
) -> None:
    rewards, propensities, target, predicted, taken = log
    got = estimate(rewards, propensities, target, predicted, taken)
    assert got.snips is not None
    assert rewards.min() <= got.snips.value <= rewards.max()
    assert 1 - 1e-9 <= got.effective <= len(rewards) + 1e-9
    # a model that knows nothing leaves IPS; a model that knows the rewards leaves no correction
    assert estimate(rewards, propensities, target, 0 * predicted, taken).dr == got.ips
    knowing = predicted.copy()
    knowing[np.arange(len(taken)), taken] = rewards
    by_model = float((target * knowing).sum(axis=1).mean())
    assert estimate(rewards, propensities, target, knowing, taken).dr.value == pytest.approx(by_model)


@given(logs(), st.floats(-5, 5))
def test_snips_and_dr_move_with_the_rewards(
    log: tuple[Array, Array, Array, Array, NDArray[np.intp]], shift: float
) -> None:
    rewards, propensities, target, predicted, taken = log
    got = estimate(rewards, propensities, target, predicted, taken)
    moved = estimate(rewards + shift, propensities, target, predicted + shift, taken)
    assert got.snips is not None
    assert moved.snips is not None
    assert moved.snips.value == pytest.approx(got.snips.value + shift)
    assert moved.dr.value == pytest.approx(got.dr.value + shift)
    assert (
        moved.dr.high - moved.dr.low == pytest.approx(got.dr.high - got.dr.low, abs=1e-9) or len(rewards) == 1
    )


def simulated(rng: np.random.Generator, count: int) -> Estimates:
    """One log of a world with three arms whose true value under the judged policy is 0.5."""
    x = rng.integers(0, 2, count)
    behaviour = np.array([[0.6, 0.3, 0.1], [0.2, 0.3, 0.5]])[x]
    target = np.array([[0.1, 0.8, 0.1], [0.6, 0.3, 0.1]])[x]
    means = np.array([[0.2, 0.6, 0.5], [0.5, 0.4, 0.3]])[x]
    taken = (rng.random(count)[:, None] > behaviour.cumsum(axis=1)).sum(axis=1)
    rows = np.arange(count)
    rewards = (rng.random(count) < means[rows, taken]).astype(float)
    return estimate(rewards, behaviour[rows, taken], target, means + 0.1, taken)


def test_the_intervals_hold_the_truth_as_often_as_they_say() -> None:
    truth = 0.5 * (0.1 * 0.2 + 0.8 * 0.6 + 0.1 * 0.5) + 0.5 * (0.6 * 0.5 + 0.3 * 0.4 + 0.1 * 0.3)
    rng = np.random.default_rng(5)
    runs = [simulated(rng, 400) for _ in range(400)]
    for name in ("ips", "snips", "dr"):
        held = np.mean([getattr(run, name).low <= truth <= getattr(run, name).high for run in runs])
        assert 0.92 <= held <= 0.98, name
    for name in ("snips", "dr"):
        assert sum(getattr(run, name).high - getattr(run, name).low for run in runs) < sum(
            run.ips.high - run.ips.low for run in runs
        )


def test_a_policy_that_never_does_what_was_logged_is_told_by_the_model_alone() -> None:
    got = estimate([1.0, 0.0], [0.5, 0.5], [[0.0, 1.0], [0.0, 1.0]], [[0.9, 0.25], [0.9, 0.35]], [0, 0])
    assert got.snips is None
    assert (got.ips.value, got.effective) == (0.0, 0.0)
    assert got.dr.value == pytest.approx(0.3)


def test_one_decision_says_nothing_about_how_sure_it_is() -> None:
    got = estimate([1.0], [0.5], [[1.0]], [[0.0]], [0])
    assert (got.ips.value, got.ips.low, got.ips.high) == (2.0, -math.inf, math.inf)


@settings(max_examples=50)
@given(st.floats(1e-300, 1e-100), st.floats(0.1, 1.0))
def test_a_tiny_propensity_leaves_snips_within_the_rewards(tiny: float, reward: float) -> None:
    got = estimate([reward, 0.0], [tiny, 1.0], [[0.5, 0.5], [0.5, 0.5]], np.zeros((2, 2)), [0, 1])
    assert got.snips is not None
    assert got.snips.value == pytest.approx(reward)
    assert got.effective == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"propensities": [0.0, 0.5]}, "propensity"),
        ({"propensities": [0.5, float("nan")]}, "propensity"),
        ({"propensities": [0.5]}, "one number a decision"),
        ({"rewards": [1.0, float("inf")]}, "finite"),
        ({"predicted": [[0.0], [0.0]]}, "one number a decision"),
        ({"target_probabilities": [[0.9, 0.9], [0.5, 0.5]]}, "no distribution"),
        ({"target_probabilities": [[1.5, -0.5], [0.5, 0.5]]}, "no distribution"),
        ({"actions": [0, 2]}, "none of the arms"),
        ({"actions": [0, -1]}, "none of the arms"),
        ({"rewards": []}, "no decisions"),
    ],
)
def test_a_log_that_cannot_be_is_refused(change: dict[str, list[object]], word: str) -> None:
    log: dict[str, object] = {
        "rewards": [1.0, 0.0],
        "propensities": [0.5, 0.5],
        "target_probabilities": [[0.5, 0.5], [0.5, 0.5]],
        "predicted": [[0.0, 0.0], [0.0, 0.0]],
        "actions": [0, 1],
    }
    with pytest.raises(ValueError, match=word):
        estimate(**(log | change))  # type: ignore[arg-type]
