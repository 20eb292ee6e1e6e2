"""The learner is a fold: the same events make the same bits, however they are cut, repeated or mixed up."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.bandit.learner import (
    MOST_ORPHANS,
    MOST_PENDING,
    MOST_TOOLS,
    Learner,
    replay,
    resting,
)
from dspy_agent_core.bandit.prior import MOST_ARMS, Prior
from dspy_agent_core.bandit.seen import MOST_IDS, SLACK_SECONDS
from dspy_agent_core.bandit.state import StateError, seal, unseal
from dspy_agent_core.contracts.messages import LearningEvent, Policy

TIME = "2026-03-01T10:00:00.000Z"
SECONDS = 1772359200.0


def event(id, decision=None, *, tool="grep", features=None, reward=None, ts=TIME):
    return LearningEvent(
        id=id,
        ts=ts,
        workspace="w",
        session="s",
        decision_id=decision or id,
        policy=Policy(name="greedy", version="1"),
        tool=tool,
        args_hash="",
        features=features or {},
        mask=[],
        propensity=0.5,
        cost_ms=1.0,
        outcome={},
        reward=reward,
        source="cli",
    )


rewards = st.none() | st.floats(allow_nan=False, allow_infinity=False)
times = st.sampled_from([TIME, "", "yesterday", "2026-03-01T10:00:00", "0001-01-01T00:00:00+14:00"]) | (
    st.datetimes().map(lambda time: time.isoformat() + "Z")
)
features = st.dictionaries(
    st.sampled_from(["bias", "x", "y", "z", "", "\0"]), st.floats(-2, 2) | st.just(1e308), max_size=4
)
events = st.lists(
    st.builds(
        lambda decision, part, **rest: event(f"{decision}{part}", decision, **rest),
        st.sampled_from(["d1", "d2", "d3", "d4", "\ud7ff"]),
        st.sampled_from(["", "", "", "-opened-1", "-edited-1"]),
        tool=st.sampled_from(["grep", "tree", "", "gone"]),
        features=features,
        reward=rewards,
        ts=times,
    ),
    max_size=25,
)
PRIOR = Prior(("bias", "x"), ("grep",), np.array([[0.25, -0.0]]), 2.0, np.array([-0.1, 0.0]))


@given(events, st.data())
@settings(max_examples=80, deadline=None)
def test_replay_is_the_state_bit_for_bit_in_any_split_saved_at_any_point(stream, data):
    whole = replay(stream, PRIOR)
    learner = Learner.fresh(PRIOR)
    cuts = data.draw(st.sets(st.integers(0, len(stream))))
    for number, one in enumerate(stream):
        if number in cuts:
            learner = Learner.decode(learner.encode())
        learner.apply(one)
    assert learner.encode() == whole.encode()
    assert Learner.decode(whole.encode()).encode() == whole.encode()


@given(events, st.data())
@settings(max_examples=50, deadline=None)
def test_an_event_counts_once_however_often_it_comes(stream, data):
    once = {one.id: one for one in reversed(stream)}
    first = [one for number, one in enumerate(stream) if one.id not in {two.id for two in stream[:number]}]
    learner = Learner.fresh(PRIOR)
    for number, one in enumerate(stream):
        changed = learner.apply(one)
        assert changed == (one.id not in {two.id for two in stream[:number]})
        for again in data.draw(st.lists(st.sampled_from(stream[: number + 1]), max_size=3)):
            before = learner.encode()
            assert not learner.apply(again)
            assert learner.encode() == before
    assert learner.encode() == replay(first, PRIOR).encode()
    assert learner.decisions == sum(one.id == one.decision_id for one in once.values())


@given(events)
@settings(max_examples=50, deadline=None)
def test_whatever_comes_all_numbers_stay_finite_and_rewards_bounded(stream):
    learner = replay(stream)
    assert np.isfinite(learner.arms.theta).all()
    assert np.isfinite(learner.arms.covariance).all()
    assert all(-1 - 1e-9 <= mean <= 1 + 1e-9 for _, mean in learner.curve.means())
    for one in stream:
        pending = learner.pending(one.decision_id)
        assert pending is None or -1 <= pending.reward <= 1


def test_an_outcome_counts_the_same_before_and_after_its_decision():
    decision = event("d", features={"x": 1.0}, reward=0.1)
    opened, edited = event("d-opened-1", "d", reward=0.3), event("d-edited-1", "d", reward=0.2)
    after, before = replay([decision, opened, edited]), replay([opened, edited, decision])
    np.testing.assert_allclose(after.arms.theta, before.arms.theta, atol=1e-12)
    assert after.curve.means() == [(0, pytest.approx(0.6))] == before.curve.means()
    assert after.pending("d").reward == pytest.approx(0.6)
    assert after.earned == pytest.approx(before.earned) == {"grep": pytest.approx(0.6)}


def test_a_late_reward_is_learned_as_if_it_had_been_known_at_once():
    late = replay([event("d", features={"x": 1.0}), event("d-opened-1", "d", reward=0.8)])
    now = replay([event("d", features={"x": 1.0}, reward=0.8)])
    np.testing.assert_allclose(late.arms.theta, now.arms.theta, atol=1e-12)
    assert late.arms.theta.any()


def test_a_sum_of_rewards_stays_within_one():
    learner = replay([event("d", features={"x": 1.0}, reward=0.9), event("d-1", "d", reward=5.0)])
    assert learner.pending("d").reward == 1.0
    learner.apply(event("d-2", "d", reward=-1e300))
    assert learner.pending("d").reward == -1.0


def test_what_the_user_chose_counts_for_rest_and_curve_but_teaches_nothing():
    learner = replay([event("d", tool="tree", reward=0.5), event("d-1", "d", reward=0.25)], PRIOR)
    assert learner.arms.arms == ["grep"]
    assert (learner.arms.theta == PRIOR.theta).all()
    assert learner.last_used == {"tree": SECONDS}
    assert learner.uses == {"tree": 1}
    assert learner.curve.means() == [(0, 0.75)]


def test_memory_is_bounded_whatever_comes():
    learner = Learner.fresh()
    for number in range(MOST_IDS + 50):
        ts = f"2026-03-{1 + number // 1000:02}T10:00:00Z"
        id = f"d{number}"
        if number % 2:
            learner.apply(event(f"{id}-opened", f"unknown{number}", reward=0.1, ts=ts))
        else:
            names = {f"f{number % 100}": 1.0} if number < 400 else {}
            learner.apply(event(id, tool=f"tool{number % 300}", features=names, reward=0.1, ts=ts))
    state = unseal(learner.encode())
    assert len(state["pending"]) == MOST_PENDING
    assert len(state["orphans"]) == MOST_ORPHANS
    assert len(state["last_used"]) == len(state["uses"]) == len(state["earned"]) == MOST_TOOLS
    assert len(learner.arms.arms) <= MOST_ARMS
    assert len(learner.encode()) < 4 << 20
    assert Learner.decode(learner.encode()).encode() == learner.encode()


def test_events_from_before_what_was_forgotten_change_nothing():
    learner = Learner.fresh()
    old = event("old", reward=0.5, ts="2026-01-01T00:00:00Z")
    learner.apply(old)
    for number in range(MOST_IDS):
        learner.apply(event(f"d{number}", ts="2026-03-01T00:00:00Z"))
    before = learner.encode()
    assert not learner.apply(old)
    assert not learner.apply(event("as old", ts="2026-01-01T00:00:00Z"))
    assert learner.encode() == before
    assert learner.apply(event("late, but not as late", ts="2026-01-02T00:00:00Z"))


def test_a_clock_that_was_ahead_for_long_loses_nothing_afterwards():
    learner = Learner.fresh()
    for number in range(MOST_IDS // 2):
        learner.apply(event(f"ahead{number}", ts="2036-03-01T00:00:00Z"))
    for number in range(MOST_IDS * 2):
        assert learner.apply(event(f"d{number}", ts=TIME))
    assert SLACK_SECONDS > 0


def test_resting():
    assert resting(None, 100.0, 5.0) == 0.0
    assert resting(98.0, 100.0, 5.0) == 3.0
    assert resting(90.0, 100.0, 5.0) == 0.0
    assert resting(1e12, 100.0, 5.0) == 0.0


def test_last_use_is_the_last_in_the_log():
    stream = [event("a", ts="2099-01-01T00:00:00Z"), event("b", ts=TIME), event("c", ts="nonsense")]
    assert replay(stream).last_used == {"grep": SECONDS}


def a_state():
    stream = [event(f"d{n}", features={"x": n / 9}, reward=n / 9, tool=f"t{n % 2}") for n in range(6)]
    return replay([*stream, event("d0-1", "d0", reward=0.1), event("orphan-1", "orphan", reward=1.0)])


def test_damage_at_any_byte_is_told():
    learner = a_state()
    data = learner.encode()
    for place in range(len(data)):
        for damage in (data[:place], data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]):
            if damage.strip() == data.strip():
                continue
            with pytest.raises(StateError) as error:
                Learner.decode(damage)
            assert error.value.kind == "damaged"


@given(st.binary(max_size=60) | st.sampled_from([b"[]", b"{}", b"1", b"[" * 100_000, b"NaN", b"9" * 9999]))
def test_anything_else_is_damaged(data):
    with pytest.raises(StateError) as error:
        Learner.decode(data)
    assert error.value.kind == "damaged"


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_state_whose_parts_do_not_fit_is_damaged_though_its_digest_is_right(data):
    state = unseal(a_state().encode())
    name = data.draw(st.sampled_from(sorted(state)))
    other = data.draw(st.none() | st.integers() | st.text() | st.just({}) | st.just([]) | st.just([[]]))
    state[name] = other
    try:
        again = Learner.decode(seal(state))
    except StateError:
        return
    again.apply(event("more", features={"x": 1.0}, reward=1.0))
    again.apply(event("d0-2", "d0", reward=-1.0))


def test_a_newer_version_is_told_from_damage(monkeypatch):
    monkeypatch.setattr("dspy_agent_core.bandit.state.SCHEMA_VERSION", 2)
    newer = seal({"whatever": [1, 2]})
    monkeypatch.undo()
    with pytest.raises(StateError) as error:
        Learner.decode(newer)
    assert error.value.kind == "newer"
    assert error.value.code == "StateNewer"
    assert error.value.next
