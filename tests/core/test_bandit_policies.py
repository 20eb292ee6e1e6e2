"""Which arms the policies choose, and that their propensities are what they say."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.policies import POLICIES, Greedy, Thompson, best_of_normals, policy, unit


def taught(seed=0, count=5):
    rng = np.random.default_rng(seed)
    arms = LinearArms([f"t{number}" for number in range(count)], ["x", "y", "z"])
    for _ in range(int(rng.integers(0, 40))):
        x = arms.vector({"x": float(rng.uniform(-1, 1)), "y": float(rng.uniform(-1, 1))})
        arms.learn(int(rng.integers(count)), x, float(rng.uniform(-1, 1)))
    return arms, arms.vector({"x": float(rng.uniform(-1, 1)), "z": 0.5})


masks = st.lists(st.booleans(), min_size=5, max_size=5).filter(any)


@given(st.sampled_from(sorted(POLICIES)), st.integers(0, 200), masks, st.floats(0, 1, exclude_max=True))
@settings(max_examples=150, deadline=None)
def test_propensities_are_probabilities_under_the_mask(name, seed, allowed, u):
    arms, x = taught(seed)
    choice = policy(name).choose(arms, x, np.array(allowed), u)
    assert choice.propensities.sum() == pytest.approx(1.0)
    assert (choice.propensities >= 0).all()
    assert not choice.propensities[~np.array(allowed)].any()
    assert allowed[choice.arm]
    assert 0 < choice.propensities[choice.arm] <= 1 + 1e-12
    again = policy(name).choose(arms, x, np.array(allowed), u)
    assert again.arm == choice.arm
    assert (again.propensities == choice.propensities).all()


@pytest.mark.parametrize("name", sorted(POLICIES))
@pytest.mark.parametrize("seed", range(4))
def test_arms_are_chosen_as_often_as_their_propensities_say(name, seed):
    arms, x = taught(seed)
    allowed = np.array([True, True, False, True, True])
    chooser = policy(name)
    draws = 400
    counts = np.zeros(5)
    for number in range(draws):
        counts[chooser.choose(arms, x, allowed, (number + 0.5) / draws).arm] += 1
    expected = chooser.choose(arms, x, allowed, 0.0).propensities
    np.testing.assert_allclose(counts / draws, expected, atol=2.5 / draws)


@pytest.mark.parametrize("name", sorted(POLICIES))
def test_none_to_choose_from_is_an_error(name):
    arms, x = taught()
    with pytest.raises(ValueError, match="no arm"):
        policy(name).choose(arms, x, np.zeros(5, bool), 0.5)


def test_arms_of_equal_value_share():
    arms = LinearArms(["a", "b", "c"], [])
    choice = Greedy(epsilon=0.0).choose(arms, arms.vector({}), np.array([True, False, True]), 0.9)
    assert choice.propensities.tolist() == [0.5, 0.0, 0.5]
    assert choice.arm == 2


def test_a_masked_arm_of_the_best_value_is_not_taken():
    arms = LinearArms(["a", "b"], [])
    arms.learn(0, arms.vector({}), -1.0)
    arms.learn(1, arms.vector({}), -1.0)
    for epsilon in (0.0, 0.1):
        choice = Greedy(epsilon=epsilon).choose(arms, arms.vector({}), np.array([False, True]), 0.0)
        assert (choice.arm, choice.propensities.tolist()) == (1, [0.0, 1.0])


def test_optimism_prefers_what_is_less_certain():
    arms = LinearArms(["known", "new"], [])
    x = arms.vector({})
    for reward in [0.1, -0.1] * 30:
        arms.learn(0, x, reward)
    both = np.ones(2, bool)
    assert policy("linucb").choose(arms, x, both, 0.5).arm == 1
    assert Greedy(optimism=0.5, epsilon=0.0).choose(arms, x, both, 0.5).arm == 1
    assert Thompson().choose(arms, x, both, 0.5).propensities[1] == pytest.approx(0.5, abs=0.1)


@given(
    st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 1)), min_size=1, max_size=8),
    st.integers(0, 100),
)
@settings(max_examples=25, deadline=None)
def test_thompson_is_as_probable_as_drawing_says(arms, seed):
    means, deviations = (np.array(column) for column in zip(*arms, strict=True))
    shares = best_of_normals(means, deviations)
    assert shares.sum() == pytest.approx(1.0)
    draws = np.random.default_rng(seed).normal(means, deviations, (20_000, len(arms)))
    drawn = np.bincount(draws.argmax(axis=1), minlength=len(arms)) / len(draws)
    np.testing.assert_allclose(shares, drawn, atol=0.03)


@pytest.mark.parametrize(
    ("means", "deviations", "expected"),
    [
        ([0.0], [0.0], [1.0]),
        ([0.0, 1.0], [0.0, 0.0], [0.0, 1.0]),
        ([0.5, 0.5], [0.0, 0.0], [0.5, 0.5]),
        ([0.0, 0.0], [1.0, 1.0], [0.5, 0.5]),
        ([-1e6, 1e6], [1.0, 1e-3], [0.0, 1.0]),
        ([0.0, 0.0, 0.0], [1e-9, 1e-9, 1e3], [0.25, 0.25, 0.5]),
    ],
)
def test_the_largest_of_normals_at_the_edges(means, deviations, expected):
    np.testing.assert_allclose(best_of_normals(np.array(means), np.array(deviations)), expected, atol=0.02)


def test_units_follow_from_the_id_and_are_even():
    units = [unit(f"{number:016x}") for number in range(2000)]
    assert units[:2] == [unit("0" * 16), unit("0" * 15 + "1")]
    assert all(0 <= value < 1 for value in units)
    assert abs(np.mean(units) - 0.5) < 0.03
    assert 0 <= unit("\udcff") < 1
