"""The codec of messages: what is written is read again, and nothing that comes breaks the reader."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.contracts.messages import (
    MAX_BYTES,
    MESSAGES,
    BadMessage,
    Context,
    Message,
    Metric,
    RawLine,
    Result,
    StreamError,
    Window,
    decode,
)
from dspy_agent_core.contracts.results import Frame, Hidden, LogEvent
from dspy_agent_core.contracts.schemas import pages

REASONS = {"TooLarge", "NotUtf8", "NotJson", "UnknownVersion", "BadField"}

# Text as JSON can carry it: no lone surrogates.
_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_FLOAT = st.floats(allow_nan=False, allow_infinity=False)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | _FLOAT | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=8,
)
_OPTIONAL = st.none() | _TEXT
_EVENT = st.builds(
    LogEvent,
    level=_TEXT,
    message=_TEXT,
    count=st.integers(0, 2**60),
    type=_OPTIONAL,
    frame=st.none()
    | st.builds(Frame, path=_TEXT, line=st.none() | st.integers(0, 2**40), function=_OPTIONAL),
    cause=st.none() | st.lists(_TEXT, max_size=3),
    example=_OPTIONAL,
    before=st.none() | st.integers(0, 99),
    offset=st.none() | st.integers(0, 2**62),
)
_MESSAGE = st.one_of(
    st.builds(RawLine, line=_TEXT, ts=st.none() | _TEXT | _FLOAT, source=_OPTIONAL),
    st.builds(
        Context,
        id=_TEXT,
        app=_TEXT,
        window=st.builds(Window, start=_TEXT, end=_TEXT),
        ctx=st.lists(_TEXT, max_size=3),
        events=st.lists(_EVENT, max_size=3),
        hidden=st.lists(st.builds(Hidden, rule=_TEXT, lines=st.integers(0, 2**60)), max_size=3),
        lines_read=st.integers(0, 2**60),
    ),
    st.builds(
        Result,
        id=_TEXT,
        app=_TEXT,
        summary=_TEXT,
        key_points=st.lists(_TEXT, max_size=3),
        plan=st.lists(_TEXT, max_size=3),
        ts=_TEXT,
        by=_TEXT,
    ),
    st.builds(Metric, ts=_TEXT, source=_TEXT, name=_TEXT, value=_FLOAT, labels=st.dictionaries(_TEXT, _TEXT)),
    st.builds(StreamError, ts=_TEXT, source=_TEXT, code=_TEXT, message=_TEXT),
)


@given(_MESSAGE)
def test_what_is_written_is_read_again(message: Message) -> None:
    value = message.encode()
    assert decode(type(message), value) == message
    assert decode(type(message), value).encode() == value


@given(st.dictionaries(_TEXT, _JSON, max_size=4))
def test_unknown_fields_pass_through_unharmed(unknown: dict[str, Any]) -> None:
    data = {**unknown, "line": "x", "ts": 1.5, "source": "s", "schema_version": 1}
    message = decode(RawLine, json.dumps(data).encode())
    assert json.loads(message.encode()) == data
    assert decode(RawLine, message.encode()) == message


def _outcome(kind: type[Message], value: bytes | None) -> str:
    try:
        message = decode(kind, value)
    except BadMessage as bad:
        return bad.reason if str(bad) else "no words"
    assert decode(kind, message.encode()) == message
    return "read"


_BYTES = st.binary(max_size=60) | st.builds(lambda value: json.dumps(value).encode(), _JSON)
_FIELDS = st.sampled_from(
    ["line", "ts", "source", "schema_version", "id", "app", "window", "events", "hidden", "labels", "value"]
)
_OBJECT = st.dictionaries(_FIELDS, _JSON, max_size=6).map(lambda data: json.dumps(data).encode())


@given(st.sampled_from(MESSAGES), _BYTES | _OBJECT)
def test_whatever_comes_is_read_or_refused_with_a_reason(kind: type[Message], value: bytes) -> None:
    assert _outcome(kind, value) in REASONS | {"read"}


@given(_MESSAGE, st.integers(0, 400), st.binary(max_size=4))
def test_a_damaged_message_is_read_or_refused_with_a_reason(message: Message, at: int, with_: bytes) -> None:
    value = message.encode()
    damaged = value[:at] + with_ + value[at + len(with_) :]
    assert _outcome(type(message), damaged) in REASONS | {"read"}


def test_fields_that_a_newer_program_adds_to_an_event_are_passed_over() -> None:
    event = {"level": "error", "message": "m", "count": 1, "frame": {"path": "p", "column": 1}, "trend": "up"}
    window = {"start": "2026-01-01T00:00:00.000Z", "end": "2026-01-01T00:00:00.000Z", "zone": "UTC"}
    hidden = [{"rule": "r", "lines": 1, "why": "calm"}]
    whole = {"id": "a/0/0-1", "app": "a", "window": window, "ctx": [], "events": [event], "hidden": hidden}
    read = decode(Context, json.dumps(whole).encode())
    assert (read.events[0].frame, read.hidden) == (Frame("p"), [Hidden("r", 1)])
    assert decode(Context, read.encode()) == read


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (None, "NotJson"),
        (b"", "NotJson"),
        (b"null", "NotJson"),
        (b"[]", "NotJson"),
        (b'"line"', "NotJson"),
        (b"\xff", "NotUtf8"),
        (b"\xed\xa0\x80", "NotUtf8"),
        (b'\xef\xbb\xbf{"line":"a"}', "NotJson"),
        (b'{"line":"\\ud800"}', "NotJson"),
        (b'{"line":"a"', "NotJson"),
        (b"[" * 100_000, "NotJson"),
        (b'{"line":"a","x":' + b"[" * 100_000, "NotJson"),
        (b'{"line":"a","x":' + b"9" * 5000 + b"}", "NotJson"),
        (b'{"line":"a","schema_version":' + b"9" * 5000 + b"}", "NotJson"),
        (b'{"line":"a","schema_version":2}', "UnknownVersion"),
        (b'{"schema_version":2}', "UnknownVersion"),
        (b'{"line":"a","schema_version":"next"}', "UnknownVersion"),
        (b'{"line":1}', "BadField"),
        (b"{}", "BadField"),
        (b'{"line":"a","ts":NaN}', "BadField"),
        (b'{"line":"a","ts":1e999}', "BadField"),
        (b'{"line":"a","ts":[1]}', "BadField"),
        (b'{"line":"a","line":"b"}', "read"),
        (b'{"line":"a","x":' + b"[" * 150 + b"]" * 150 + b"}", "read"),
        (b'{"line":"a","encode":1,"model_extra":2,"model_config":null}', "read"),
        (b'{"line":"' + b"a" * MAX_BYTES + b'"}', "TooLarge"),
    ],
)
def test_hostile_values(value: bytes | None, outcome: str) -> None:
    assert _outcome(RawLine, value) == outcome


def test_numbers_without_a_json_form_in_unknown_fields_become_null() -> None:
    message = decode(RawLine, b'{"line":"a","x":NaN,"y":{"z":[1e999,-Infinity,2]}}')
    assert json.loads(message.encode()) == {
        "schema_version": 1,
        "line": "a",
        "x": None,
        "y": {"z": [None, None, 2]},
    }


def test_a_newer_message_with_a_field_of_another_type_is_of_an_unknown_version() -> None:
    with pytest.raises(BadMessage) as refused:
        decode(Context, b'{"schema_version":2,"id":5}')
    assert refused.value.reason == "UnknownVersion"


def test_the_published_schemas_and_their_page_are_those_of_the_models() -> None:
    root = Path(__file__).parents[2]
    for path, text in pages().items():
        assert (root / path).read_text("utf-8") == text, f"{path} is stale: make generate"


def test_each_example_of_the_page_is_a_message() -> None:
    page = pages()[Path("docs/reference/messages.md")]
    examples = re.findall(r"^## (\w+)$.*?^```json\n(.*?)^```$", page, re.S | re.M)
    kinds = {kind.__name__: kind for kind in MESSAGES}
    assert {name for name, _ in examples} == kinds.keys()
    for name, text in examples:
        message = decode(kinds[name], text.encode())
        assert not message.model_extra
        assert json.loads(message.encode()) == json.loads(text)
