"""However the records come in micro-batches, the contexts are those of the whole."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.logs import Baseline
from dspy_agent_core.streams.windows import RawRecord
from dspy_spark.state import PartitionState, step
from tests.streams.golden import APP, PARTITIONS, golden_contexts, golden_records, raw_records

RAW = tuple(raw_records(golden_records()))


def _partition(number: int) -> list[RawRecord]:
    return [raw for partition, raw in RAW if partition == number]


def _run(number: int, batches: list[list[RawRecord]]) -> list[tuple[bytes, bytes]]:
    """Run the batches as Spark does: the state of each goes to the next as bytes."""
    state, made = PartitionState(), []
    for batch in batches:
        done = step(APP, number, PartitionState.loads(state.dumps()), batch)
        state, made = done.state, [*made, *done.contexts]
    last = step(APP, number, state, cut=True)
    assert last.state.records == ()
    assert last.due is None
    return [(context.id.encode(), context.encode()) for context in (*made, *last.contexts)]


@settings(max_examples=25, deadline=None)
@given(cuts=st.lists(st.integers(0, 300), max_size=12), number=st.integers(0, PARTITIONS - 1))
def test_any_batches_give_the_contexts_of_the_whole(cuts: list[int], number: int) -> None:
    records = _partition(number)
    edges = [0, *sorted(cuts), len(records)]
    made = _run(number, [records[a:b] for a, b in pairwise(edges)])
    wanted = {key: value for key, value in golden_contexts().items() if key.split(b"/")[1] == b"%d" % number}
    assert dict(made) == wanted
    assert len(made) == len(wanted)


def test_all_partitions_of_the_golden_input_in_one_batch_each() -> None:
    made = [pair for number in range(PARTITIONS) for pair in _run(number, [_partition(number)])]
    assert dict(made) == golden_contexts()


def test_a_batch_that_is_done_again_makes_the_same() -> None:
    records = _partition(0)
    half = step(APP, 0, PartitionState(), records[:100]).state.dumps()
    first, again = (step(APP, 0, PartitionState.loads(half), records[100:]) for _ in range(2))
    assert [c.encode() for c in first.contexts] == [c.encode() for c in again.contexts]
    assert first.state.dumps() == again.state.dumps()


def test_a_window_that_is_due_ends_by_the_clock_and_not_before() -> None:
    opened = step(APP, 0, PartitionState(), [RawRecord(7, 1_000_000, "ERROR out of disk")])
    assert opened.contexts == ()
    assert opened.due is not None
    early = step(APP, 0, opened.state, now=opened.due - 1)
    assert (early.contexts, early.state, early.due) == ((), opened.state, opened.due)
    (context,) = step(APP, 0, early.state, now=opened.due).contexts
    assert context.id == "shop/0/7-7"


def test_a_topic_made_anew_ends_the_window_of_the_old_one() -> None:
    old = step(
        APP, 0, PartitionState(), [RawRecord(40, 1_000_000, "ERROR old"), RawRecord(41, 1_000_001, "x")]
    )
    new = step(APP, 0, old.state, [RawRecord(0, 1_000_002, "ERROR new")])
    assert [context.id for context in new.contexts] == ["shop/0/40-41"]
    assert new.state.records == (RawRecord(0, 1_000_002, "ERROR new"),)


@given(
    counts=st.none() | st.dictionaries(st.text(max_size=20), st.integers(0), max_size=5),
    records=st.lists(
        st.builds(
            RawRecord,
            st.integers(0, 2**63 - 1),
            st.integers(-1, 2**53),
            st.none() | st.text(max_size=40),
            st.text(max_size=5),
            st.none() | st.floats(0, 2.6e11),
        ),
        max_size=5,
    ),
)
def test_the_state_comes_back_from_its_bytes(counts: dict[str, int] | None, records: list[RawRecord]) -> None:
    state = PartitionState(None if counts is None else Baseline(counts), tuple(records))
    assert PartitionState.loads(state.dumps()) == state


@pytest.mark.parametrize("data", [b"", b"\x02abc", b"{}"])
def test_a_state_of_another_version_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="version"):
        PartitionState.loads(data)
