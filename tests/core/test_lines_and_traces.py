"""What holds for lines and traces however broken: no failure, bounded memory, time in proportion."""

from __future__ import annotations

import json
import sys
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs import Reducer, ReducerOptions
from dspy_agent_core.logs.lines import parse_line
from dspy_agent_core.logs.records import Joiner
from tests.core.corpus.load import cases

RECORDED = [line for case in cases() if not case.command for line in case.text.split("\n")]
PYTHON = [
    "Traceback (most recent call last):",
    '  File "/app/x.py", line 3, in f',
    "    g()",
    "KeyError: 'k'",
]


def events_of(lines: list[str]) -> list[LogEvent]:
    reducer = Reducer()
    reducer.feed(lines, at=1_795_000_000.0)
    return reducer.result().events


@given(st.lists(st.one_of(st.sampled_from(RECORDED), st.text(max_size=60)), max_size=80))
@settings(max_examples=200, deadline=None)
def test_pieces_of_any_traces_in_any_order_are_read(lines: list[str]) -> None:
    joiner = Joiner()
    records = [record for line in lines for record in joiner.feed(parse_line(line, 1_795_000_000.0))]
    records += joiner.finish()
    assert all(record.texts and record.lines >= len(record.texts) for record in records)
    events_of(lines)


@given(st.text(max_size=300), st.sampled_from(RECORDED), st.integers(0, 300))
@settings(max_examples=300, deadline=None)
def test_a_line_cut_or_mixed_up_anywhere_is_read(noise: str, line: str, cut: int) -> None:
    for text in (line[:cut], line[cut:], line[:cut] + noise + line[cut:], noise + line):
        parsed = parse_line(text, 1_795_000_000.0)
        assert len(parsed.text) <= max(len(text), 4 * len(text))


@given(st.integers(1, 3), st.booleans())
def test_a_trace_that_is_cut_off_still_tells_its_place(kept: int, goes_on: bool) -> None:
    after = ["2026-11-23 10:00:00,001 INFO app - went on"] if goes_on else []
    (event,) = [e for e in events_of([*PYTHON[: kept + 1], *after]) if e.level == "error"]
    assert event.frame is not None
    assert (event.frame.path, event.frame.line) == ("/app/x.py", 3)


@pytest.mark.parametrize(
    "frame", ["\tat com.x.A.m(A.java:3)", '  File "/app/x.py", line 3, in f', "    at f (/app/x.js:3:1)"]
)
def test_a_trace_that_never_ends_keeps_memory_bounded(frame: str) -> None:
    joiner = Joiner()
    head = PYTHON[0] if "File" in frame else "java.lang.IllegalStateException: deep"
    for line in [head, *[frame] * 50_000]:
        joiner.feed(parse_line(line))
    (record,) = joiner.finish()
    assert record.lines == 50_001
    assert len(record.texts) <= 3000


def test_ten_thousand_frames_keep_the_exception_at_their_end() -> None:
    (event,) = events_of(
        [PYTHON[0], *PYTHON[1:3] * 10_000, "RecursionError: maximum recursion depth exceeded"]
    )
    assert (event.type, event.frame and event.frame.line) == ("RecursionError", 3)


def test_many_streams_are_forgotten_but_not_lost() -> None:
    lines = [f"web-{number}  | ERROR lost order of shop" for number in range(2000)]
    joiner = Joiner()
    records = [record for line in lines for record in joiner.feed(parse_line(line))]
    assert len(records) >= 1000
    assert len(records) + len(joiner.finish()) == 2000


def test_a_line_of_a_megabyte_and_nuls_are_read() -> None:
    huge = "x" * (2 << 20)
    assert len(parse_line(huge).text) == 1 << 20
    (event,) = events_of([*PYTHON[:3], f"ValueError: {'y' * (1 << 20)}"])
    assert event.type == "ValueError"
    (event,) = events_of([*PYTHON[:3], "ValueError: \x00\x00"])
    assert (event.type, event.message) == ("ValueError", "\x00\x00")


def test_a_line_that_a_carrier_has_cut_is_read_whole() -> None:
    trace = "\n".join(PYTHON)
    line = json.dumps({"level": "error", "msg": "x" * 40_000, "exc_info": trace})
    pieces = [line[start : start + 16_000] for start in range(0, len(line), 16_000)]
    stamp = "2026-11-23T10:00:00.000000001Z stderr"
    cut = [f"{stamp} {'F' if piece is pieces[-1] else 'P'} {piece}" for piece in pieces]
    (event,) = events_of(cut)
    assert (event.type, event.frame and event.frame.line) == ("KeyError", 3)
    assert events_of(cut[:-1])  # the last piece never came


def test_what_was_printed_after_an_exception_is_not_its_message() -> None:
    events = events_of(["Loading the table", *PYTHON, "Table was skipped", "Done: 3 rows"])
    assert [(event.type, event.message) for event in events] == [("KeyError", "'k'")]
    (event,) = events_of([*PYTHON[:3], "RuntimeError: out of memory", "Tried to allocate 2 GiB"])
    assert event.message == "out of memory\nTried to allocate 2 GiB"


def test_an_exception_below_a_line_of_another_thread_is_told() -> None:
    told = ["Error: ParseIntError { kind: InvalidDigit }", "/app/x.py:3: SecurityWarning: root is not wise"]
    for line in told:
        (event,) = events_of(["2026-11-23 10:00:00,001 INFO app.main - handled request 7 in 3 ms", line])
        assert event.type in ("Error", "SecurityWarning")


def test_failures_of_one_kind_that_follow_each_other_stay_apart() -> None:
    quiet = "2026-11-23 10:00:00,001 INFO app.main - handled request 7 in 3 ms"
    go = ["panic: {}", "", "goroutine 1 [running]:", "main.work(...)", "\t/app/{}.go:3 +0x1d", quiet]
    ruby = ["/app/{}.rb:3:in `f': {} (IOError)", "\tfrom /app/{}.rb:9:in `<main>'", quiet]
    for form in (go, ruby):
        lines = [line.format(name, name) for name in ("one", "two") for line in form]
        events = events_of(lines)
        assert sorted(event.message for event in events) == ["one", "two"]
        assert all(event.frame is not None and not event.cause for event in events)


def test_what_two_threads_of_go_found_is_told_once() -> None:
    head = "fatal error: concurrent map writes"
    (event,) = events_of([head, head, "", "goroutine 1 [running]:", "main.work(...)", "\t/app/x.go:3 +0x1d"])
    assert (event.message, event.frame and event.frame.line) == ("concurrent map writes", 3)


HOSTILE = {
    "many colons": "a::" * 30_000 + "A",
    "PHP, never placed": "PHP Fatal error:  Uncaught A: " + "b in c:3 " * 10_000,
    "PHP objects": "[object] (A(code: 0): " * 3_000,
    "dots before a line": "." * 30_000 + " line 3: not found",
    "Perl": "x at y.z line 3 " * 5_000,
    "Ruby": "a:1:in `x': " * 10_000,
    "boxes": "╭─" * 30_000 + " Traceback (most recent call last)",
    "inner exceptions": " ---> A.B" * 10_000,
    "assertions": "x: Assertion `" * 5_000,
    "compiler": "a.b:1: error: " * 5_000,
    "quotes": 'level=error k="\\' * 10_000,
    "objects": '{"level":"error","stack":[' * 10_000,
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_line_takes_time_in_proportion(line: str) -> None:
    reducer = Reducer(ReducerOptions(level=0))
    started = time.process_time()
    reducer.feed([line, line, "    at x (a.js:1:1)", line], at=1_795_000_000.0)
    reducer.result()
    assert time.process_time() - started < 30, "some pattern is quadratic: one linear pass takes milliseconds"


def test_deep_objects_end_in_no_recursion() -> None:
    depth = sys.getrecursionlimit() * 2
    parse_line('{"a":' * depth + "1" + "}" * depth)
    parse_line('{"error":' * 50 + '{"type":"A","message":"b"}' + "}" * 50)
