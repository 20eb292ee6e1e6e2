"""Windows: they tile the offsets, data decides where they end, and a restart anywhere changes nothing."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.streams.windows import PartitionWindows, RawRecord, WindowOptions

BASE = 1_795_000_000_000
QUICK = WindowOptions(max_lines=40, max_bytes=4000)
TRACE = (
    "Traceback (most recent call last):",
    '  File "/srv/app.py", line 3, in main',
    "    run()",
    "ValueError: no such thing",
)
TEXTS = st.sampled_from(
    [
        "2026-11-18 11:06:40,001 INFO app - fine",
        "2026-11-18 11:06:40,001 ERROR app - order 17 failed",
        "2026-11-18 11:06:40,001 WARNING app - slow",
        '{"level":"error","msg":"stock is negative"}',
        "  hangs below",
        "",
        *TRACE,
    ]
)


@st.composite
def partitions(draw: st.DrawFn, hostile: bool = False) -> list[RawRecord]:
    """A partition: offsets that ascend with gaps, times that don't go back (or, hostile, anything)."""
    steps = st.sampled_from([0, 0, 1, 3, 20, 24, 25, 26, 29, 30, 31, 300, 1100, 10_001])
    anything = st.integers(-(2**63), 2**63 - 1)
    offset, now, made = draw(st.integers(0, 3)), BASE, []
    for _ in range(draw(st.integers(1, 60))):
        offset += draw(st.sampled_from([1, 1, 1, 2, 5]))
        now = draw(anything) if hostile and draw(st.booleans()) else now + draw(steps)
        now = min(max(now, -(2**63)), 2**63 - 1)
        line = draw(st.one_of(TEXTS, TEXTS, TEXTS, st.none(), st.text(max_size=30)))
        made.append(RawRecord(offset, now, line, draw(st.sampled_from("abc"))))
    return made


def all_of(windows: PartitionWindows, records: list[RawRecord]) -> list[Context]:
    closed = [context for record in records if (context := windows.feed(record))]
    last = windows.cut()
    return [*closed, last] if last else closed


@settings(deadline=None)
@given(partitions(hostile=True))
def test_the_windows_tile_the_offsets(records: list[RawRecord]) -> None:
    contexts = all_of(PartitionWindows("web", 1, QUICK), records)
    told = [r.offset for r in records]
    covered: list[int] = []
    for context in contexts:
        mine = [o for o in told if context.first_offset <= o <= context.last_offset]
        assert (mine[0], mine[-1], len(mine)) == (
            context.first_offset,
            context.last_offset,
            context.lines_read,
        )
        assert context.id == f"web/1/{mine[0]}-{mine[-1]}"
        assert context.lines_read <= 2 * QUICK.max_lines
        covered += mine
    assert covered == told
    dead = sum(h.lines for c in contexts for h in c.hidden if h.rule == "dead-letter")
    assert dead == sum(r.line is None for r in records)


@settings(deadline=None)
@given(partitions(hostile=True), st.data())
def test_a_restart_at_any_record_writes_the_same_bytes(records: list[RawRecord], data: st.DataObject) -> None:
    whole = all_of(PartitionWindows("web", 1, QUICK), records)
    number = data.draw(st.integers(0, len(whole)), label="delivered contexts")
    again = PartitionWindows("web", 1, QUICK)
    start = 0
    if number:
        before = whole[number - 1]
        start = before.last_offset + 1
        again.rebuild(r for r in records if before.first_offset <= r.offset < start)
    rest = all_of(again, [r for r in records if r.offset >= start])
    assert [c.encode() for c in rest] == [c.encode() for c in whole[number:]]


@settings(deadline=None)
@given(partitions())
def test_silence_ends_a_window_where_the_next_record_would_end_it(records: list[RawRecord]) -> None:
    by_data = all_of(PartitionWindows("web", 1, QUICK), records)
    quick, contexts = PartitionWindows("web", 1, QUICK), []
    for record in records:
        contexts += [c for c in (quick.advance(record.time), quick.feed(record)) if c]
    contexts += [c for c in (quick.cut(),) if c]
    assert [c.encode() for c in contexts] == [c.encode() for c in by_data]


@settings(deadline=None)
@given(partitions(), st.integers(0, 60), st.lists(st.sampled_from([0, 1, 5, 24]), min_size=3, max_size=3))
def test_a_trace_is_cut_only_by_the_hard_limits(
    noise: list[RawRecord], place: int, pauses: list[int]
) -> None:
    place = min(place, len(noise) - 1)
    merged, now = [*noise[: place + 1]], noise[place].time
    inside = []
    others = iter(noise[place + 1 :])
    for text, pause in zip(TRACE, [0, *pauses], strict=True):
        now += pause
        inside.append(merged[-1].offset + 1)
        merged.append(RawRecord(inside[-1], now, text, "crashing"))
        if other := next(others, None):
            merged.append(RawRecord(merged[-1].offset + 1, now, other.line, other.source))
    options = WindowOptions(grace=10**6)
    for context in all_of(PartitionWindows("web", 1, options), merged):
        parts = [context.first_offset <= offset <= context.last_offset for offset in inside]
        assert all(parts) or not any(parts)


@given(st.lists(st.sampled_from([0, 26, 200, 300]), min_size=3, max_size=3))
def test_a_traceback_waits_for_its_exception_beyond_the_gap(pauses: list[int]) -> None:
    windows, now = PartitionWindows("web", 0), BASE
    windows.feed(RawRecord(0, now, "2026-11-18 11:06:40,001 ERROR app - order 17 failed", "a"))
    for offset, (text, pause) in enumerate(zip(TRACE, [0, *pauses], strict=True), 1):
        now += pause
        assert windows.advance(now) is None
        assert (
            windows.feed(RawRecord(2 * offset, now, "2026-11-18 11:06:40,001 INFO app - fine", "b")) is None
        )
        assert windows.feed(RawRecord(2 * offset + 1, now, text, "a")) is None
    closed = windows.advance(now + WindowOptions().hold + WindowOptions().gap)
    assert closed is not None
    assert [event.type for event in closed.events] == ["ValueError"]


def test_a_traceback_that_never_ends_is_cut_after_the_grace() -> None:
    windows = PartitionWindows("web", 0)
    for offset, text in enumerate(TRACE[:2]):
        windows.feed(RawRecord(offset, BASE, text, "a"))
    assert windows.due == BASE + WindowOptions().hold + WindowOptions().grace
    assert windows.feed(RawRecord(2, windows.due - 1, "INFO fine", "b")) is None
    assert windows.feed(RawRecord(3, windows.due or 0, TRACE[2], "a")) is not None


def test_an_error_is_held_briefly_and_info_long() -> None:
    windows = PartitionWindows("web", 0)
    windows.feed(RawRecord(0, BASE, "INFO fine", "a"))
    assert (windows.due, windows.alarm) == (BASE + WindowOptions().longest, None)
    windows.feed(RawRecord(1, BASE + 5, "ERROR bad", "a"))
    due = windows.due or 0
    assert due == BASE + 5 + WindowOptions().hold
    assert windows.alarm == BASE + 5
    assert windows.advance(due - 1) is None
    closed = windows.advance(due)
    assert closed is not None
    assert (closed.id, windows.due, windows.first_offset) == ("web/0/0-1", None, None)


def test_lines_without_headers_that_never_pause_are_not_held_longer() -> None:
    windows = PartitionWindows("web", 0)
    texts = ["order 17 failed", "order 18 shipped", "  by ship", "done"] * 40
    closed = []
    for number, text in enumerate(texts):
        if context := windows.feed(RawRecord(number, BASE + 5 * number, text, "a")):
            closed.append((context.last_offset - context.first_offset + 1) * 5)
            assert texts[number][0] != " ", "a line that hangs below another stays with it"
    assert closed
    assert max(closed) <= WindowOptions().hold + 20


def test_a_clock_that_is_set_back_does_not_hold_a_window_open() -> None:
    windows = PartitionWindows("web", 0)
    windows.feed(RawRecord(0, BASE + 10**9, "ERROR of tomorrow", "a"))
    windows.feed(RawRecord(1, BASE, "INFO fine", "a"))
    due = windows.due
    assert due is not None
    assert due <= BASE + WindowOptions().hold
    assert windows.feed(RawRecord(2, BASE + 100, "INFO fine", "a")) is not None


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 6), st.sampled_from(["\x00", "é", "x", "\U0001f600"]))
def test_a_context_always_fits_into_a_record(kinds: int, filler: str) -> None:
    windows = PartitionWindows("web", 0, WindowOptions(max_lines=10**6))
    lines = [f"ERROR {chr(97 + n % 26) * (n // 26 + 1)} {filler * 4000}" for n in range(100 * kinds)]
    for number, line in enumerate(lines):
        windows.feed(RawRecord(number, BASE, line, f"source {number} {filler * 1000}"))
    context = windows.cut()
    assert context is not None
    assert context.lines_read == len(lines)
    assert 0 < len(context.encode()) <= 900_000
    assert [event["message"] for event in json.loads(context.encode())["events"]]


def test_many_sources_are_no_quadratic_work() -> None:
    windows = PartitionWindows("web", 0)
    for number in range(9000):
        windows.feed(RawRecord(number, BASE + number // 1000, f"  part {number}", f"source {number}"))
    assert windows.cut() is not None
