"""Advice by rules: the same for the same context, telling, and safe to show and to type."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.contracts.messages import Context, Window
from dspy_agent_core.contracts.results import Frame, Hidden, LogEvent
from dspy_agent_core.streams.advice import Advice, advise
from dspy_agent_core.streams.advice_rules import RULES


def _context(*events: LogEvent, hidden: tuple[Hidden, ...] = ()) -> Context:
    window = Window(start="2026-01-01T00:00:00.000Z", end="2026-01-01T00:00:01.000Z")
    return Context(
        id="web/0/0-9",
        app="web",
        window=window,
        ctx=[],
        events=list(events),
        hidden=list(hidden),
        lines_read=10,
    )


def _advice(*events: LogEvent) -> Advice:
    advice = advise(_context(*events))
    assert advice is not None
    return advice


def _error(text: str, **more: object) -> LogEvent:
    kind, _, message = text.partition(": ")
    return LogEvent("error", message or kind, 1, type=kind if message else None, **more)  # type: ignore[arg-type]


def test_a_context_without_events_needs_no_advice() -> None:
    assert advise(_context(hidden=(Hidden("health-probe", 9),))) is None


# One real message for each rule, and a word of the step that it should lead to.
REAL = [
    ("missing-module", "ModuleNotFoundError: No module named 'requests'", "pip show requests"),
    ("missing-module", "Error: Cannot find module 'express'", "npm ls express"),
    ("missing-module", "java.lang.NoClassDefFoundError: org/slf4j/Logger", "dependencies"),
    (
        "import-name",
        "ImportError: cannot import name 'soft' from partially initialized module 'a.b'",
        "grep soft",
    ),
    ("out-of-memory", "java.lang.OutOfMemoryError: Java heap space", "memory"),
    ("disk-full", "OSError: [Errno 28] No space left on device: '/data/x'", "df -h"),
    ("too-many-open-files", "OSError: [Errno 24] Too many open files: '/etc/hosts'", "ulimit -n"),
    ("port-in-use", "OSError: [Errno 98] Address already in use", "ss -ltnp"),
    ("name-resolution", "Error: getaddrinfo ENOTFOUND db.shop.svc", "getent hosts db.shop.svc"),
    ("name-resolution", "socket.gaierror: [Errno -2] Name or service not known", "DNS"),
    ("tls", "ssl.SSLCertVerificationError: certificate verify failed: unable to get issuer", "openssl"),
    ("connection-refused", "Error: connect ECONNREFUSED 10.0.0.7:5432", "nc -vz 10.0.0.7 5432"),
    ("connection-refused", "dial tcp db:6379: connect: connection refused", "service it calls"),
    ("connection-lost", "ConnectionResetError: [Errno 104] Connection reset by peer", "other side"),
    ("pool-exhausted", "sqlalchemy.exc.TimeoutError: QueuePool limit of size 5 overflow 10 reached", "pool"),
    ("timeout", "httpx.ReadTimeout: timed out", "how long"),
    ("timeout", "rpc error: code = DeadlineExceeded desc = context deadline exceeded", "time limit"),
    ("rate-limit", "openai.RateLimitError: Error code: 429 - slow down", "Retry-After"),
    ("database-constraint", "psycopg2.errors.UniqueViolation: duplicate key value violates unique", "row"),
    ("database-schema", "sqlite3.OperationalError: no such table: users", "migrations"),
    ("database-lock", "sqlite3.OperationalError: database is locked", "transactions"),
    (
        "credentials",
        'psycopg2.OperationalError: password authentication failed for user "app"',
        "credentials",
    ),
    ("permission", "PermissionError: [Errno 13] Permission denied: '/data/x'", "ls -ld"),
    (
        "missing-file",
        "FileNotFoundError: [Errno 2] No such file or directory: '/etc/app.yaml'",
        "ls -la /etc/app.yaml",
    ),
    ("missing-setting", "RuntimeError: environment variable DATABASE_URL is not set", "env"),
    (
        "bad-json",
        "json.decoder.JSONDecodeError: Expecting value: line 1 column 1 (char 0)",
        "HTML error page",
    ),
    (
        "bad-encoding",
        "UnicodeDecodeError: 'utf-8' codec can't decode byte 0xff in position 0",
        "encoding",
    ),
    ("nothing-there", "TypeError: Cannot read properties of undefined (reading 'id')", "gave nothing back"),
    ("nothing-there", "AttributeError: 'NoneType' object has no attribute 'id'", "gave nothing back"),
    ("missing-key", "KeyError: 'price'", "grep price"),
    ("missing-attribute", "AttributeError: module 'jwt' has no attribute 'encode2'", "grep encode2"),
    ("unknown-name", "NameError: name 'totl' is not defined", "grep totl"),
    ("out-of-range", "IndexError: list index out of range", "shorter"),
    ("bad-number", "ValueError: invalid literal for int() with base 10: 'x'", "input"),
    ("endless-recursion", "RecursionError: maximum recursion depth exceeded", "repeats"),
    ("concurrent-change", "RuntimeError: dictionary changed size during iteration", "thread"),
    ("crash", "thread 'main' panicked at src/main.rs:4:5", "debug symbols"),
    ("pod-trouble", "Back-off restarting failed container app in pod web-1", "kubectl describe pod"),
    ("kafka", "KafkaError: UNKNOWN_TOPIC_OR_PARTITION", "stream topics --check"),
    ("upstream", "HTTPStatusError: Server error '503 Service Unavailable' for url", "behind it"),
    ("failed-check", "AssertionError: expected 3", "condition"),
    ("bad-syntax", "SyntaxError: invalid syntax (app.py, line 3)", "linter"),
]


@pytest.mark.parametrize(("rule", "text", "step"), REAL)
def test_a_known_error_leads_to_its_check(rule: str, text: str, step: str) -> None:
    assert any(step in line for line in _advice(_error(text)).plan)


def test_each_rule_is_tried_by_a_real_message() -> None:
    assert {rule for rule, _, _ in REAL} == {rule.name for rule in RULES}


def test_the_innermost_cause_is_checked_first() -> None:
    event = _error(
        "OperationalError: query failed", cause=["PoolError: gone", "ConnectionRefusedError: db:5432"]
    )
    assert "nc -vz db 5432" in _advice(event).plan[0]


def test_the_plan_begins_with_the_place_in_the_code() -> None:
    here = _error("KeyError: 'a'", frame=Frame("shop/cart.py", 4, "total"))
    plan = _advice(here).plan
    assert plan[0].startswith("Open shop/cart.py:4 in total")
    assert "codectx shop/cart.py" in plan[1]
    elsewhere = _error("KeyError: 'a'", frame=Frame("/usr/src/app/cart.py", 4, "Cart.total"))
    assert any("codectx total" in step for step in _advice(elsewhere).plan)


def test_what_is_new_or_rising_comes_first_and_is_said() -> None:
    old = LogEvent("error", "old", 100, before=100)
    rising = LogEvent("error", "rising", 9, before=3)
    new = LogEvent("error", "new", 1, before=0)
    advice = _advice(old, rising, new)
    assert [point.split(":")[0] for point in advice.key_points[:2]] == ["new", "rising from 3×"]
    assert "1 new, 1 rising" in advice.summary


def test_a_severe_event_comes_before_a_warning_that_is_more_frequent() -> None:
    advice = _advice(LogEvent("warning", "slow", 500), LogEvent("error", "broken", 1))
    assert "broken" in advice.key_points[0]


def test_nothing_that_a_shell_obeys_gets_into_a_command() -> None:
    for nasty in ("a;rm -rf ~", "$(reboot)", "`id`", "x' || y", "-rf"):
        for text in (f"KeyError: '{nasty}'", f"No module named '{nasty}'", f"ENOENT: no such file '{nasty}'"):
            for step in _advice(_error(text)).plan:
                for command in re.findall("`(.*?)`", step):
                    assert nasty not in command


def test_control_characters_never_reach_a_terminal() -> None:
    event = LogEvent(
        "error", "\x1b[2J\x07boo", 1, type="E\x1b]0;x\x07", frame=Frame("a\x1b.py", 1), cause=["\x9b31m"]
    )
    advice = _advice(event)
    text = "".join([advice.summary, *advice.key_points, *advice.plan])
    assert not re.search(r"[\x00-\x1f\x7f-\x9f]", text)


_TEXTS = st.text(max_size=80) | st.sampled_from([text for _, text, _ in REAL])


@given(st.lists(st.builds(_error, _TEXTS), min_size=1, max_size=12))
def test_any_text_gives_bounded_advice_and_the_same_again(events: list[LogEvent]) -> None:
    advice = _advice(*events)
    assert advice == _advice(*events)
    assert advice.summary
    assert 1 <= len(advice.plan) <= 10
    assert len(advice.key_points) <= 8
    assert all(len(text) < 3000 for text in [advice.summary, *advice.key_points, *advice.plan])


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["a", "a-", "ab ", "':", "0.", "no such file '", "relation x "])
def test_long_texts_hold_nothing_up(unit: str) -> None:
    assert _advice(_error(unit * 200_000)).plan
