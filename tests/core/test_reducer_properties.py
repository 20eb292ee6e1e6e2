# ruff: noqa: E501  (programs and log lines stand as they are written)
"""What holds for any input: no crash, no loss, and the same result however the lines arrive."""

from __future__ import annotations

import random
import time
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.logs import Reducer, ReducerOptions
from dspy_agent_core.logs.levels import LEVELS

FRAGMENTS = [
    "Traceback (most recent call last):", '  File "/app/x.py", line 3, in f', "    boom()", "ValueError: bad", "KeyError: 'k'",
    "During handling of the above exception, another exception occurred:", "", "  + Exception Group Traceback (most recent call last):",
    '  |   File "/app/g.py", line 9, in g', "  | ExceptionGroup: many (2 sub-exceptions)", "  +-+---------------- 1 ----------------",
    "    | OSError: 1", "    +------------------------------------", 'Exception in thread "main" java.lang.RuntimeException: outer',
    "\tat com.x.A.b(A.java:10)", "Caused by: java.io.IOException: in", "\t... 5 more", "panic: oh no", "goroutine 1 [running]:",
    "main.f(0x1)", "\t/app/main.go:10 +0x1d", "/app/x.js:3", "    ^", "TypeError: x", "    at f (/app/x.js:3:1)", "}",
    "thread 'main' panicked at src/main.rs:3:5:", "/app/x.rb:3:in `f': boom (RuntimeError)", "\tfrom /app/x.rb:6:in `<main>'",
    "   at A.B(String) in /a/b.cs:line 3", " ---> System.Exception: in", "E   ValueError: bad", "t.py:3: ValueError",
    "2026-11-23 10:00:00,1 INFO a.b - ok", "ERROR:root:bad", '{"level":"error","msg":"x","stack":"E: x\\n    at f (/a.js:1:2)"}',
    "web-1 | hello", "2026-11-23T10:00:02.1Z stderr P part", "2026-11-23T10:00:02.1Z stderr F rest", "E1123 10:00:03.1 1 a.go:3] bad",
]  # fmt: skip
LINES = st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=80)), max_size=60)


def reduce(lines, **options):
    reducer = Reducer(ReducerOptions(level=0, **options))
    reducer.feed(lines, at=1_795_000_000.0)
    return reducer.result()


@given(LINES, st.lists(st.integers(0, 60), max_size=6))
@settings(max_examples=300, deadline=None)
def test_the_split_into_chunks_changes_nothing(lines, cuts):
    reducer = Reducer(ReducerOptions(level=0))
    edges = [0, *sorted(min(cut, len(lines)) for cut in cuts), len(lines)]
    for start, end in pairwise(edges):
        reducer.feed(lines[start:end], at=1_795_000_000.0)
    assert reducer.result() == reduce(lines)


@given(LINES)
@settings(max_examples=300, deadline=None)
def test_any_lines_give_a_well_formed_result(lines):
    result = reduce(lines)
    assert result.lines_read == len(lines)
    assert all(event.level in LEVELS and event.count >= 1 for event in result.events)


NOISE = st.sampled_from(
    [
        "2026-11-23 10:00:00,123 INFO app.main - handled request 17 in 3 ms",
        '10.0.0.1 - - [23/Nov/2026:10:00:05 +0000] "GET /healthz HTTP/1.1" 200 2 "-" "kube-probe/1.3"',
        '{"level":"info","ts":1764000000.1,"msg":"tick"}',
        "I1123 10:00:03.123456   1 sync.go:138] synced",
        "2026/11/23 10:00:00 listening on :80",
        'time="2026-11-23T10:00:06Z" level=info msg="ok"',
    ]
)
IDENTIFIER = st.from_regex(r"[a-z_][a-z0-9_]{0,15}", fullmatch=True)
MESSAGE = st.text(
    st.characters(blacklist_categories=("C", "Z"), blacklist_characters="\x85"), min_size=1, max_size=60
)


@given(
    st.lists(NOISE, max_size=8), st.lists(NOISE, max_size=8), st.lists(st.tuples(st.integers(1, 3), NOISE), max_size=6),
    IDENTIFIER, IDENTIFIER, st.integers(1, 9999), MESSAGE, st.from_regex(r"[A-Z][a-zA-Z]{0,12}Error", fullmatch=True),
)  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_a_python_exception_in_noise_survives(before, after, torn, module, function, line, message, kind):
    trace = [
        "Traceback (most recent call last):",
        f'  File "/app/{module}.py", line {line}, in {function}',
        "    call()",
        f"{kind}: {message}",
    ]
    for place, noise in sorted(torn, reverse=True):
        trace.insert(place, noise)
    reducer = Reducer()
    reducer.feed([*before, *trace, *after])
    found = [e for e in reducer.result().events if e.frame is not None]
    assert [(e.type, e.message, e.frame.path, e.frame.line, e.frame.function) for e in found] == [
        (kind, message, f"/app/{module}.py", line, function)
    ]


@given(st.lists(NOISE, max_size=8), st.lists(NOISE, max_size=8), MESSAGE, st.integers(1, 9999))
@settings(max_examples=150, deadline=None)
def test_java_and_go_in_noise_survive(before, after, message, line):
    java = [
        f"java.lang.IllegalStateException: {message}",
        f"\tat com.x.A.b(A.java:{line})",
        "\tat com.x.Main.main(Main.java:3)",
    ]
    go = [f"panic: {message}", "", "goroutine 1 [running]:", "main.work(...)", f"\t/app/main.go:{line} +0x1d"]
    reducer = Reducer()
    reducer.feed([*before, *java, *before, *after, *go, *after])
    found = {
        (e.type, e.message, e.frame.path, e.frame.line, e.frame.function)
        for e in reducer.result().events
        if e.frame
    }
    assert found == {
        ("java.lang.IllegalStateException", message, "com/x/A.java", line, "A.b"),
        ("panic", message, "/app/main.go", line, "main.work"),
    }


def test_a_flood_of_different_lines_keeps_memory_bounded_and_the_exception():
    numbers = random.Random(7)
    letters = "abcdefghijklmnopqrstuvwxyz"
    reducer = Reducer()
    reducer.feed(
        [
            "Traceback (most recent call last):",
            '  File "/app/x.py", line 3, in f',
            "    x",
            "ValueError: first",
        ]
    )
    reducer.feed("ERROR " + "".join(numbers.choices(letters, k=12)) for _ in range(20_000))
    result = reducer.result()
    assert any(event.type == "ValueError" for event in result.events)
    assert any(hidden.rule == "too-many-groups" for hidden in result.hidden)


def test_huge_and_hostile_lines_take_linear_time():
    hostile = ["a=" * 200_000, "a" * 500_000, " " * 500_000, "[" * 500_000, '{"a":' * 100_000, "| " * 200_000, "\\n at " * 100_000,
               '{"level":"error","stack":"' + "\\n" * 300_000 + '"}', "(" * 300_000 + ":1:1", "A." * 200_000 + "Error", "    at " + "(" * 300_000]  # fmt: skip
    started = time.process_time()
    for line in hostile:
        reduce([line, line])
    assert time.process_time() - started < 60, "some pattern is quadratic: one linear pass takes milliseconds"


def test_a_trace_longer_than_what_is_kept_keeps_its_exceptions():
    frames = [f"\tat com.x.A.m{n}(A.java:{n})" for n in range(2500)]
    lines = [
        "java.lang.RuntimeException: top",
        *frames,
        "Caused by: java.io.IOException: low",
        *frames,
        *frames,
    ]
    event = reduce(lines).events[0]
    assert (event.type, event.frame.path) == ("java.lang.RuntimeException", "com/x/A.java")
    assert event.cause == ["java.io.IOException: low at com/x/A.java:0 in A.m0"]
