"""What the regressions of the bandit must keep, whatever is learned."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.prior import MOST_ARMS, MOST_FEATURES, Prior


def contexts(count, size, seed=0, spread=1.0):
    x = np.random.default_rng(seed).uniform(-spread, spread, (count, size))
    x[:, 0] = 1.0
    return x


def one_arm(size, **options):
    return LinearArms(["a"], [f"f{number}" for number in range(size - 1)], **options)


def some_prior(size, seed=0):
    rng = np.random.default_rng(seed)
    names = ("bias", *(f"f{number}" for number in range(size - 1)))
    return Prior(names, ("a",), rng.normal(size=(1, size)), 2.5, rng.normal(size=size))


def start_certainty(size, strength):
    certainty = np.full(size, strength)
    certainty[0] /= 4  # what an arm gives in any context is less sure
    return np.diag(certainty)


@given(st.integers(1, 12), st.integers(1, 60), st.integers(0, 1000))
@settings(max_examples=40, deadline=None)
def test_without_forgetting_it_is_the_ridge_regression_around_the_prior(size, count, seed):
    prior, x = some_prior(size, seed), contexts(count, size, seed)
    rewards = np.random.default_rng(seed + 1).uniform(-1, 1, count)
    arms = one_arm(size, prior=prior, discount=1.0)
    for context, reward in zip(x, rewards, strict=True):
        arms.learn(0, context, float(reward))
    levels = np.cumsum(rewards - x @ prior.theta[0]) / np.arange(1, count + 1)
    targets = rewards - np.append(0.0, levels[:-1])
    certainty = start_certainty(size, 2.5)
    information = x.T @ x + certainty
    weights = np.linalg.solve(information, x.T @ targets + certainty @ prior.theta[0])
    weights[0] += levels[-1]
    np.testing.assert_allclose(arms.theta[0], weights, atol=1e-9)
    np.testing.assert_allclose(arms.covariance[0], np.linalg.inv(information), atol=1e-9)
    width = math.sqrt(x[0] @ np.linalg.solve(information, x[0]))
    assert arms.widths(x[0])[0] == pytest.approx(width)


@given(st.lists(st.floats(-1, 1), min_size=2, max_size=20), st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_a_reward_that_comes_late_counts_as_if_it_had_been_known_at_once(rewards, last):
    x = contexts(len(rewards) + 1, 5)
    now, late = one_arm(5, discount=1.0), one_arm(5, discount=1.0)
    for context, reward in zip(x, rewards, strict=False):
        now.learn(0, context, reward)
        late.learn(0, context, reward)
    now.learn(0, x[-1], last)
    late.learn(0, x[-1], 0.0)
    late.amend(0, x[-1], last, 0)
    np.testing.assert_allclose(late.theta, now.theta, atol=1e-9)
    assert (late.covariance == now.covariance).all()
    assert late.level == pytest.approx(now.level)


def test_a_reward_that_comes_later_still_is_off_by_the_level_in_between_only():
    x = contexts(40, 5)
    now, late = one_arm(5, discount=1.0), one_arm(5, discount=1.0)
    for number, context in enumerate(x):
        now.learn(0, context, 0.5)
        late.learn(0, context, 0.0 if number == 9 else 0.5)
    late.amend(0, x[9], 0.5, 30)
    assert late.level == pytest.approx(now.level) == pytest.approx(0.5)
    np.testing.assert_allclose(late.theta, now.theta, atol=0.5 * 30 / 10 / 40)


@given(st.floats(0.5, 1.0), st.floats(-1, 1), st.floats(-1, 1))
@settings(max_examples=40, deadline=None)
def test_the_parts_of_a_reward_add_up_with_forgetting_too(discount, part, rest):
    whole, parts = one_arm(4, discount=discount), one_arm(4, discount=discount)
    for context in contexts(30, 4):
        whole.learn(0, context, part + rest)
        parts.learn(0, context, part)
        parts.amend(0, context, rest, 0)
    np.testing.assert_allclose(parts.theta, whole.theta, atol=1e-9)


def hostile_contexts(kind, count, size):
    rng = np.random.default_rng(3)
    base = rng.uniform(-1, 1, size)
    for _ in range(count):
        if kind == "parallel":
            x = base + rng.uniform(-1e-4, 1e-4, size)
        elif kind == "rare":
            x = (rng.random(size) < 0.02) * 1.0
        else:
            x = rng.uniform(-1, 1, size) * (rng.random(size) < 0.4)
        x[0] = 1.0
        yield x


@pytest.mark.parametrize("discount", [0.8, 0.98, 1.0])
@pytest.mark.parametrize("kind", ["parallel", "rare", "mixed"])
def test_certainty_neither_blows_up_nor_turns_negative(kind, discount):
    arms = one_arm(12, discount=discount)
    rng = np.random.default_rng(5)
    for x in hostile_contexts(kind, 4000, 12):
        arms.learn(0, x, float(rng.uniform(-1, 1)))
    covariance = arms.covariance[0]
    assert (covariance == covariance.T).all()
    values = np.linalg.eigvalsh(covariance)
    assert values.min() > 0
    assert covariance.diagonal().max() <= 1.0 + 1e-6
    assert np.abs(arms.theta).max() < 50


def test_a_hundred_thousand_rewards_leave_it_positive_definite():
    arms = one_arm(8, discount=0.97)
    rng = np.random.default_rng(6)
    for x in contexts(100_000, 8, 7):
        arms.learn(0, x, float(rng.uniform(-1, 1)))
    covariance = arms.covariance[0]
    assert (covariance == covariance.T).all()
    values = np.linalg.eigvalsh(covariance)
    assert 1e-4 < values.min() <= values.max() < 1.0


def test_what_changes_is_learned_anew_and_what_is_rare_is_kept():
    arms = LinearArms(["a"], ["often", "rare"], discount=0.9)
    often, rare = arms.vector({"often": 1.0}), arms.vector({"rare": 1.0})
    for _ in range(10):
        arms.learn(0, rare, -1.0)
    for reward in (1.0, -1.0, 0.5):
        for _ in range(60):
            arms.learn(0, often, reward)
        assert arms.scores(often)[0] == pytest.approx(reward, abs=0.1)
    rare_part = arms.vector({"rare": 1.0}) - arms.vector({})
    assert arms.widths(rare_part)[0] < 1.0  # still known


def test_an_arm_that_joins_later_starts_from_the_prior():
    prior = some_prior(4)
    arms = LinearArms(["a"], prior.names, prior=prior)
    assert arms.add_arm("a") == 0
    assert arms.add_arm("new") == 1
    assert (arms.theta[0] == prior.theta[0]).all()
    assert (arms.theta[1] == prior.unknown).all()
    assert arms.scores(np.ones(4))[1] == pytest.approx(prior.unknown.sum())
    assert arms.index("gone") is None


def test_there_are_at_most_so_many_arms_and_features():
    arms = LinearArms([f"t{number}" for number in range(MOST_ARMS)], [])
    with pytest.raises(ValueError, match="arms"):
        arms.add_arm("more")
    arms.add_features([f"f{number}" for number in range(200)])
    assert len(arms.names) == MOST_FEATURES
    assert arms.theta.shape == (MOST_ARMS, MOST_FEATURES)


@given(st.integers(0, 20), st.integers(0, 20))
@settings(max_examples=20, deadline=None)
def test_a_feature_that_joins_later_was_zero_till_then(before, after):
    early = LinearArms(["a"], ["f0", "f1", "f2"], discount=0.95)
    late = LinearArms(["a"], ["f0"], discount=0.95)
    for x in contexts(before, 2):
        early.learn(0, np.append(x, [0.0, 0.0]), 0.3)
        late.learn(0, x, 0.3)
    late.add_features(["f0", "f1", "f2"])
    for x in contexts(after, 4, 1):
        early.learn(0, x, -0.2)
        late.learn(0, x, -0.2)
    np.testing.assert_allclose(late.theta, early.theta, atol=1e-12)
    np.testing.assert_allclose(late.covariance, early.covariance, atol=1e-12)


@given(st.dictionaries(st.text(max_size=5), st.floats(allow_nan=True, allow_infinity=True)))
def test_a_context_is_finite_and_bounded_whatever_the_features(features):
    arms = LinearArms([], ["a", "b", ""])
    x = arms.vector(features)
    assert x.shape == (len(arms.names),)
    assert x[0] == 1.0
    assert np.isfinite(x).all()
    assert np.abs(x).max() <= 1.0


def test_terms_add_up_to_the_score():
    arms = one_arm(6)
    for x in contexts(50, 6):
        arms.learn(0, x, 0.5)
    x = contexts(1, 6, 9)[0]
    assert sum(arms.terms(0, x).values()) == pytest.approx(arms.scores(x)[0])


def test_spreads_are_the_widths_at_first_and_about_those_later():
    arms = LinearArms(["a", "b"], [f"f{number}" for number in range(15)])
    rng = np.random.default_rng(2)
    x = (rng.random((2000, 16)) < 0.3) * 1.0
    x[:, 0] = 1.0
    np.testing.assert_allclose(arms.spreads(x[0]), arms.widths(x[0]))
    for context in x:
        arms.learn(0, context, 0.1)
    ratios = np.array([arms.spreads(context) / arms.widths(context) for context in x[:200]])
    assert ((ratios[:, 0] > 0.5) & (ratios[:, 0] < 2.0)).mean() > 0.95
    np.testing.assert_allclose(ratios[:, 1], 1.0)
