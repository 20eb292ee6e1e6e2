"""What is shown of the groups: severity, novelty and rate first, within a budget, and no exception lost."""

from __future__ import annotations

import json
import random
import subprocess
import sys
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent_core.contracts.results import LogContext
from dspy_agent_core.logs import Baseline, Reducer, ReducerOptions, readable
from dspy_agent_core.logs import groups as groups_module
from dspy_agent_core.logs.levels import LEVELS
from dspy_agent_core.logs.lines import parse_line
from dspy_agent_core.logs.rank import tokens


def trace(
    kind: str = "ValueError", message: str = "bad", line: int = 3, path: str = "/app/x.py"
) -> list[str]:
    head = "Traceback (most recent call last):"
    return [head, f'  File "{path}", line {line}, in f', "    boom()", f"{kind}: {message}"]


def reducer(
    lines: Iterable[str], baseline: Baseline | None = None, options: ReducerOptions | None = None
) -> Reducer:
    made = Reducer(options, baseline=baseline)
    made.feed(lines)
    return made


def reduced(lines: Iterable[str], baseline: Baseline | None = None, **options: int) -> LogContext:
    return reducer(lines, baseline, ReducerOptions(**options)).result()


def hidden(context: LogContext) -> dict[str, int]:
    return {item.rule: item.lines for item in context.hidden}


def messages(context: LogContext) -> list[str]:
    return [event.message for event in context.events]


WORDS = ("red", "blue", "green", "disk", "queue", "cache", "lost", "slow", "full", "late")


def different(number: int) -> str:
    """Return a message that shares no word with that of another number, and has no digit."""
    letters = random.Random(number)
    return " ".join("".join(letters.choices("abcdefghij", k=9)) for _ in range(3))


class TestSignatures:
    LINES = (*trace(message="no item 'a'"), "ERROR payment 17 of alice@example.com failed after 3 s")
    LIKE = (*trace(message="no item 'b'"), "ERROR payment 99 of bob@example.org failed after 250 ms")

    def test_like_records_have_one_everywhere(self) -> None:
        first = {event.signature for event in reduced(self.LINES).events}
        second = {event.signature for event in reduced(["INFO other", *self.LIKE, "WARNING more"]).events}
        assert len(first) == 2
        assert first < second
        assert all(name is not None and name.startswith("1:") for name in second)

    def test_another_process_gives_the_same(self) -> None:
        program = (
            "import json, sys; from dspy_agent_core.logs import Reducer; r = Reducer();"
            "r.feed(json.load(sys.stdin)); print(json.dumps([e.signature for e in r.result().events]))"
        )
        for seed in ("1", "2"):
            done = subprocess.run(
                [sys.executable, "-c", program],
                input=json.dumps(self.LINES),
                env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            assert json.loads(done.stdout) == [event.signature for event in reduced(self.LINES).events]

    @pytest.mark.parametrize(
        "lines",
        [
            ["WARNING payment 1 of alice@example.com failed after 3 s"],
            ["ERROR refund 1 of alice@example.com failed after 3 s"],
            trace(message="no item 'a'", kind="KeyError"),
            trace(message="no item 'a'", line=4),
            trace(message="no item 'a'", path="/app/y.py"),
            trace(message="no shop 'a'"),
        ],
        ids=["level", "message", "type", "line", "path", "exception's message"],
    )
    def test_what_differs_in_substance_has_another(self, lines: list[str]) -> None:
        known = {event.signature for event in reduced(self.LINES).events}
        assert not known & {event.signature for event in reduced(lines).events}


class TestBaseline:
    def test_counts_what_came_before_and_knows_what_is_new(self) -> None:
        before = reducer([*trace(), *trace(), "ERROR disk 1 full", "WARNING slow 5 s"]).summary()
        context = reduced([*trace(), "ERROR disk 7 full", "ERROR never seen", "WARNING slow 9 ms"], before)
        assert {event.message: event.before for event in context.events} == {
            "bad": 2,
            "disk 7 full": 1,
            "never seen": 0,
            "slow 9 ms": 1,
        }
        assert {event.before for event in reduced(["ERROR disk 1 full"]).events} == {None}

    def test_is_of_the_lines_alone_and_survives_json(self) -> None:
        lines = [*trace(), "INFO fine", "WARNING slow 5 s", *(f"ERROR by {name} x" for name in WORDS)]
        plain = reducer(lines).summary()
        severe = ReducerOptions(level=LEVELS.index("critical"))
        for options in (severe, ReducerOptions(level=0, limit=1, budget=1), ReducerOptions(since=9e9)):
            assert reducer(lines, plain, options).summary() == plain
        assert Baseline.from_json(json.loads(json.dumps(plain.to_json()))) == plain

    @pytest.mark.parametrize(
        ("first", "second"),
        [(WORDS, ("violet",)), (("red",), WORDS)],
        ids=["one more value", "the first value among others"],
    )
    def test_a_word_that_varies_makes_nothing_new(
        self, first: tuple[str, ...], second: tuple[str, ...]
    ) -> None:
        lines = [[f"ERROR payment refused by gateway {name}" for name in part] for part in (first, second)]
        (event,) = reduced(lines[1], reducer(lines[0]).summary()).events
        assert event.count == len(second)
        assert event.before == len(first)

    def test_is_bounded_and_keeps_exceptions(self) -> None:
        flood = [f"ERROR {different(number)}" for number in range(4000)]
        summary = reducer([*trace(), *flood]).summary()
        assert len(summary.counts) <= 2000
        (event,) = reduced(trace(), summary).events
        assert event.before == 1


class TestRank:
    def test_severity_comes_before_all(self) -> None:
        lines = [*(["WARNING odd"] * 500), "ERROR broken", "CRITICAL burning"]
        assert messages(reduced(lines, limit=1)) == ["burning"]
        assert messages(reduced(lines, limit=2)) == ["burning", "broken"]

    def test_what_is_new_comes_before_what_is_known(self) -> None:
        known = ["ERROR old one"] * 50
        context = reduced([*known, "ERROR new one", *known], reducer(known).summary(), limit=1)
        assert messages(context) == ["new one"]
        assert hidden(context) == {"over-limit": 100}

    def test_what_rises_comes_before_what_stays(self) -> None:
        before = reducer(["ERROR steady state"] * 64 + ["ERROR rising tide"]).summary()
        lines = ["ERROR rising tide"] * 60 + ["ERROR steady state"] * 64
        assert messages(reduced(lines, before, limit=1)) == ["rising tide"]

    def test_without_a_window_before_what_began_late_is_new(self) -> None:
        lines = [f"2026-11-23 10:{minute:02}:00 ERROR old trouble" for minute in range(59)]
        lines.insert(57, "2026-11-23 10:56:30 ERROR late trouble")
        assert messages(reduced(lines, limit=1)) == ["late trouble"]

    def test_what_is_shown_stands_newest_first(self) -> None:
        lines = [
            "2026-11-23 10:00:00 CRITICAL a",
            "2026-11-23 10:00:02 WARNING b",
            "2026-11-23 10:00:01 ERROR c",
        ]
        assert messages(reduced(lines)) == ["b", "c", "a"]


class TestBudget:
    LINES = (*trace(), *(f"ERROR {different(number)}" for number in range(30)))

    @given(st.integers(0, 600))
    @settings(max_examples=50, deadline=None)
    def test_the_readable_lines_fit_but_for_exceptions(self, budget: int) -> None:
        context = reduced(self.LINES, budget=budget)
        exceptions = [event for event in context.events if event.type]
        assert [event.message for event in exceptions] == ["bad"]
        spent = sum(tokens(readable(event)) for event in context.events)
        assert spent <= max(budget, sum(tokens(readable(event)) for event in exceptions))
        assert hidden(context).get("over-budget", 0) == 31 - len(context.events)

    def test_the_most_severe_get_it(self) -> None:
        lines = ["WARNING careful now", "CRITICAL it burns", "WARNING careful there"]
        budget = tokens(readable(reduced(lines[1:2]).events[0]))
        assert messages(reduced(lines, budget=budget)) == ["it burns"]

    def test_an_exception_is_shortened_and_never_lost(self) -> None:
        chained = [
            *trace("OSError", "low", 9),
            "",
            "The above exception was the direct cause of the following exception:",
            "",
            *trace("RuntimeError", "top", 5),
        ]
        (whole,) = reduced(chained, budget=1000).events
        (short,) = reduced(chained, budget=1).events
        assert whole.cause == ["OSError: low at /app/x.py:9 in f"]
        assert short.cause is None
        assert (short.type, short.message, short.frame) == (whole.type, whole.message, whole.frame)


class TestNothingOfAnExceptionIsLost:
    @given(st.integers(0, 3), st.integers(0, 40), st.sampled_from(range(len(LEVELS))))
    @settings(max_examples=50, deadline=None)
    def test_whatever_limit_budget_and_level(self, limit: int, budget: int, level: int) -> None:
        lines: list[str] = []
        for number in range(8):
            lines += [
                *trace(f"E{'abcdefgh'[number]}Error", f"told {different(number)}", number + 1),
                "CRITICAL x",
            ]
        context = reduced(lines, limit=limit, budget=budget, level=level)
        found = {(event.type, event.message, event.frame.line) for event in context.events if event.frame}
        assert found == {(f"E{'abcdefgh'[n]}Error", f"told {different(n)}", n + 1) for n in range(8)}

    def test_nor_by_a_flood_of_other_lines(self) -> None:
        flood = (f"{level} {different(number)}" for number in range(9000) for level in ("ERROR", "CRITICAL"))
        context = reduced([*trace(message="first"), *flood, "INFO above", *trace(message="last", line=4)])
        assert {event.message for event in context.events if event.type} == {"first", "last"}
        assert hidden(context)["too-many-groups"] > 0
        assert sum(hidden(context).values()) + sum(event.count for event in context.events) == 18002

    def test_exceptions_without_end_share_groups_and_keep_type_and_place(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(groups_module, "MAX_EXCEPTIONS", 50)
        lines: list[str] = []
        for number in range(300):
            lines += trace("FloodError", different(number), 7)
        lines += trace("RareError", "a new one", 9)
        context = reduced(lines)
        assert len(context.events) <= 100
        assert sum(event.count for event in context.events) == 301
        (rare,) = [event for event in context.events if event.type == "RareError"]
        assert (rare.message, rare.frame and rare.frame.line) == ("a new one", 9)

    def test_and_all_of_them_fit_into_a_message(self) -> None:
        lines: list[str] = []
        for number in range(3000):
            path, message = f"/app/{different(number)}.py", f"{different(number)} " * 300
            lines += trace(f"E{number}Error", message, number, path)
        context = reduced(lines)
        assert sum(event.count for event in context.events) == 3000
        assert sum(len(repr(event)) for event in context.events) < 1 << 20
        assert all(event.type and event.message and event.frame for event in context.events)


class TestNoise:
    @pytest.mark.parametrize(
        ("rule", "text"),
        [
            (
                "health-probe",
                '10.0.0.1 - - [23/Nov/2026:10:00:00 +0000] "GET /readyz HTTP/1.1" 200 2 "-" "x"',
            ),
            ("health-probe", "INFO GET /healthz 200 kube-probe/1.31"),
            ("metrics-scrape", 'INFO "GET /metrics HTTP/1.1" 200'),
            ("progress-bar", "INFO  45%|████▌     | 12/30 [00:01<00:02, 3.4it/s]"),
            ("progress-bar", "Downloading model.bin: 12 of 99 MB (12%)"),
            ("heartbeat", "INFO heartbeat sent to node 3"),
            ("keep-alive", "DEBUG keepalive ping to peer"),
            ("lease-renewal", "INFO successfully renewed lease default/x"),
            ("legacy-timeout", "WARNING model gave no answer: timed out after 600 seconds"),
            (
                "legacy-timeout",
                "ERROR litellm.Timeout: APITimeoutError - timeout value=600.0, time taken=600.2 seconds",
            ),
            ("legacy-timeout", "litellm.exceptions.Timeout: Request timed out after 600.0 seconds"),
        ],
    )
    def test_is_hidden_by_a_named_rule_and_counted(self, rule: str, text: str) -> None:
        context = reduced([text] * 3, level=0)
        assert (messages(context), hidden(context)) == ([], {rule: 3})

    @pytest.mark.parametrize(
        "text",
        [
            "ERROR GET /healthz 500 kube-probe/1.31",
            "WARNING heartbeat of node 3 missed",
            "WARNING nightly backup timed out after 600 seconds",
            "WARNING model timed out after 60 seconds",
            "ERROR could not renew lease default/x",
        ],
    )
    def test_rules_do_not_reach_further(self, text: str) -> None:
        context = reduced([text])
        assert len(context.events) == 1
        assert not context.hidden

    def test_an_old_timeout_with_a_frame_of_its_own_stays(self) -> None:
        (event,) = reduced(trace("litellm.Timeout", "model timed out after 600.0 seconds")).events
        assert event.type == "litellm.Timeout"


class TestPlaces:
    def test_an_event_says_where_its_example_begins(self) -> None:
        lines = ["INFO fine", "", *trace(), "INFO fine", "ERROR other", *trace()]
        made, offset = Reducer(), 100
        for line in lines:
            made.take(parse_line(line), "app.log", offset=offset)
            offset += len(line) + 1
        (event,) = made.result().events  # the words above a trace are of its record
        start = 100 + sum(len(line) + 1 for line in lines[:7])
        assert (event.source, event.offset, event.count) == ("app.log", start, 2)

    def test_a_line_that_a_carrier_has_cut_begins_with_its_first_piece(self) -> None:
        made = Reducer()
        for offset, (mark, text) in enumerate(
            [("F", "INFO x"), ("P", "ERROR lo"), ("P", "st mes"), ("F", "sage")]
        ):
            made.take(parse_line(f"2026-11-23T10:00:00.1Z stderr {mark} {text}"), "pod", offset=offset)
        (event,) = made.result().events
        assert (event.message, event.offset) == ("lost message", 1)


LINE = st.sampled_from(
    [
        *trace(),
        *trace("KeyError", "'k'", 8),
        "INFO GET /healthz",
        "WARNING slow 3 s",
        "ERROR for red",
        "ERROR for blue",
        "ERROR for green",
        "2026-11-23 10:00:00 ERROR x",
        "",
        "CRITICAL a 1",
        "\tat a.B.c(B.java:3)",
        "java.io.IOException: d",
    ]
)


@given(st.lists(LINE, max_size=60), st.lists(st.integers(0, 60), max_size=4), st.lists(LINE, max_size=20))
@settings(max_examples=200, deadline=None)
def test_the_split_over_calls_changes_neither_events_nor_summary(
    lines: list[str], cuts: list[int], earlier: list[str]
) -> None:
    baseline = reducer(earlier).summary()
    options = ReducerOptions(budget=200)
    whole, parts = reducer(lines, baseline, options), Reducer(options, baseline=baseline)
    start = 0
    for cut in [*sorted(cuts), len(lines)]:
        parts.feed(lines[start:cut])
        start = max(start, cut)
    assert parts.result() == whole.result()
    assert parts.summary() == whole.summary()
    assert whole.summary() == reducer(lines).summary()


def test_all_lines_are_told_of() -> None:
    lines = [
        f"{level} {different(number)}" for number in range(400) for level in ("INFO", "WARNING", "ERROR")
    ]
    context = reduced(lines, limit=7, budget=50)
    assert sum(event.count for event in context.events) + sum(hidden(context).values()) == len(lines)
