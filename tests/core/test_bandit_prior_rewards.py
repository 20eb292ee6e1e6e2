"""Priors as files, and what steps are worth."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.bandit.prior import Prior, PriorError
from dspy_agent_core.bandit.rewards import PARTS, parts_of, total

weights = st.floats(-100, 100)


@given(st.data())
def test_a_prior_is_read_as_it_was_written(data):
    names = (
        "bias",
        *data.draw(
            st.lists(st.text(max_size=8).filter(lambda name: name != "bias"), unique=True, max_size=4)
        ),
    )
    arms = tuple(data.draw(st.lists(st.text(max_size=8), unique=True, max_size=4)))
    row = st.lists(weights, min_size=len(names), max_size=len(names))
    theta = np.array([data.draw(row) for _ in arms]).reshape(len(arms), len(names))
    prior = Prior(names, arms, theta, data.draw(st.floats(0.001, 1e6)), np.array(data.draw(row)))
    again = Prior.decode(prior.encode())
    assert (again.names, again.arms, again.strength) == (names, arms, prior.strength)
    assert again.theta.tobytes() == prior.theta.tobytes()
    assert again.unknown.tobytes() == prior.unknown.tobytes()
    assert again.encode() == prior.encode()


@pytest.mark.parametrize(
    "change",
    [
        {"schema_version": 2},
        {"features": ["x", "bias"]},
        {"features": ["bias", "x", "x"]},
        {"features": ["bias"]},
        {"features": ["bias", "x", 3]},
        {"features": None},
        {"strength": 0},
        {"strength": "inf"},
        {"arms": {"grep": {"x": 1e9}}},
        {"arms": {"grep": {"unheard of": 1.0}}},
        {"arms": {"grep": {"x": "1"}}},
        {"arms": {"grep": {"x": float("nan")}}},
        {"arms": [["grep"]]},
        {"arms": {f"t{number}": {} for number in range(65)}},
        {"unknown": None},
    ],
)
def test_what_is_no_prior_is_refused_with_the_next_step(change):
    good = {
        "schema_version": 1,
        "features": ["bias", "x"],
        "strength": 1.0,
        "arms": {"grep": {"x": 0.5}},
        "unknown": {},
    }
    assert Prior.decode(json.dumps(good).encode()).arms == ("grep",)
    with pytest.raises(PriorError) as error:
        Prior.decode(json.dumps(good | change).encode())
    assert error.value.next


@given(st.binary(max_size=40))
def test_other_bytes_are_no_prior(data):
    with pytest.raises(PriorError):
        Prior.decode(data)


outcomes = st.dictionaries(
    st.sampled_from(["use", "path_rank", "better", "up", "failed", "tokens", "hits", "other"]),
    st.booleans()
    | st.integers()
    | st.just(10**400)
    | st.floats(allow_nan=True, allow_infinity=True)
    | st.sampled_from([*PARTS, "else", ""]),
)


@given(outcomes, st.floats(allow_nan=True, allow_infinity=True))
def test_whatever_came_of_it_the_reward_is_bounded_and_every_part_is_told(outcome, cost_ms):
    parts = parts_of("grep", outcome, cost_ms)
    assert set(parts) <= set(PARTS)
    assert all(abs(value) <= abs(PARTS[name].weight) for name, value in parts.items())
    assert -1 <= total(parts) <= 1


def test_finding_or_printing_something_is_worth_nothing():
    assert parts_of("grep", {"hits": 100}, 0.0) == {}


def test_earlier_hits_are_worth_more_and_edits_more_than_looks():
    opened = [total(parts_of("grep", {"use": "opened", "path_rank": rank}, 5.0)) for rank in (1, 2, 10)]
    assert opened == sorted(opened, reverse=True)
    assert opened[0] == PARTS["opened"].weight
    assert total(parts_of("grep", {"use": "edited", "path_rank": 1}, 0.0)) > opened[0]


def test_time_tokens_and_failure_cost():
    assert -0.1 < total(parts_of("index", {}, 1000.0)) < 0
    assert total(parts_of("index", {}, 1e9)) == pytest.approx(-0.1)
    assert total(parts_of("chat", {"tokens": 64_000}, 0.0)) == pytest.approx(-0.1)
    assert parts_of("run", {"failed": True}, 0.0) == {"failed": -0.3}


def test_people_and_verifiers_have_a_say():
    assert parts_of("edit", {"use": "thumbs", "up": True}, 9.0) == {"thumbs": 1.0}
    assert parts_of("edit", {"use": "thumbs", "up": False}, 9.0) == {"thumbs": -1.0}
    assert parts_of("edit", {"use": "verified", "better": 1}, 9.0) == {"verified": 0.8}
    assert parts_of("edit", {"use": "verified", "better": -1}, 9.0) == {"verified": -0.8}
    assert (
        parts_of("edit", {"use": "undone"}, 9.0)["undone"]
        < 0
        < parts_of("edit", {"use": "kept"}, 9.0)["kept"]
    )
