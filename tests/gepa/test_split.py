"""Parts never share a group, are the same each time, and never hold out what a training saw."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.gepa.evaluate import interval
from dspy_agent.gepa.example import Check, Example, dataset_fingerprint, score_of
from dspy_agent.gepa.split import Parts, group_id, split, unseen

GROUPS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 40)), max_size=80)


def example(group: int, number: int) -> Example:
    return Example(f"{group}-{number}", f"file{group}.py", {"n": number}, dict)


def all_of(parts: Parts) -> list[Example]:
    return [*parts.train, *parts.validation, *parts.held_out]


@given(GROUPS, st.integers(0, 5), st.integers(9, 60), st.sets(st.integers(0, 12)))
def test_no_group_is_torn(drawn: list[tuple[int, int]], seed: int, most: int, seen: set[int]) -> None:
    before = frozenset(group_id(f"file{group}.py") for group in seen)
    parts = split((example(*one) for one in drawn), seed=seed, most=most, seen=before)
    groups = [{one.group for one in part} for part in (parts.train, parts.validation, parts.held_out)]
    assert not groups[0] & groups[1]
    assert not groups[0] & groups[2]
    assert not groups[1] & groups[2]
    assert not {group_id(group) for group in groups[2]} & before
    chosen = all_of(parts)
    assert len(chosen) <= most
    assert len({one.id for one in chosen}) == len(chosen)
    assert parts.seen() == {group_id(group) for group in groups[0] | groups[1]}
    others = unseen((example(*one) for one in drawn), seed=seed, most=most, seen=parts.seen())
    assert not {one.group for one in others} & (groups[0] | groups[1])
    assert len(others) <= most
    again = split((example(*one) for one in reversed(drawn)), seed=seed, most=most, seen=before)
    assert [one.id for one in all_of(again)] == [one.id for one in chosen]


def test_each_part_gets_its_share() -> None:
    parts = split((example(group, 0) for group in range(40)), seed=1, most=30)
    assert parts.sizes() == {"train": 12, "validation": 9, "held_out": 9}
    assert parts.enough
    other = split((example(group, 0) for group in range(40)), seed=2, most=30)
    assert dataset_fingerprint({"train": other.train}) != dataset_fingerprint({"train": parts.train})


def test_inputs_are_made_when_asked_for() -> None:
    made: list[int] = []

    def make(number: int) -> dict[str, int]:
        made.append(number)
        return {"n": number}

    def one(number: int) -> Callable[[], dict[str, int]]:
        return lambda: make(number)

    split([Example(str(n), str(n), {}, one(n)) for n in range(20)], seed=1, most=20)
    assert made == []


@given(st.lists(st.tuples(st.floats(0.1, 5), st.floats(-1, 2)), min_size=1, max_size=6))
def test_a_score_lies_between_nothing_and_all(checks: list[tuple[float, float]]) -> None:
    score = score_of([Check(weight, holds, "wrong") for weight, holds in checks])
    assert 0 <= score.score <= 1
    assert score.feedback


def test_the_interval_knows_no_difference_from_a_clear_one() -> None:
    assert interval([0.0] * 12) == (0.0, 0.0)
    low, high = interval([0.4, -0.4, 0.3, -0.2, 0.0, 0.1, -0.1, 0.2])
    assert low < 0 < high
    low, high = interval([0.4, 0.3, 0.0, 0.5, 0.2, 0.4, 0.1, 0.3])
    assert 0 < low < high
