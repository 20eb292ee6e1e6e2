"""Dead letters keep a record as it was, and say why and where from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import Producer

from dspy_agent.streams.dead_letters import letter_of, read_letter, send
from dspy_agent_core.contracts.dead_letters import Letter
from tests.support.kafka import DEADLINE, QUIET, mock_cluster, read, write


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    with mock_cluster() as bootstrap:
        yield bootstrap


def _send(bootstrap: str, *letters: Letter, **config: Any) -> list[Any]:
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap, **config})
    errors: list[Any] = []
    for letter in letters:
        send(producer, letter, errors.append)
    assert producer.flush(DEADLINE) == 0
    return errors


def _letter(topic: str, value: bytes | None, **more: Any) -> Letter:
    return Letter(topic, 0, 7, 99, b"pod-1", value, (), "NotJson", "bad", **more)


def test_a_letter_has_the_record_as_it_was_and_tells_why_and_where_from(broker: str) -> None:
    value, headers = b"\xff\x00 not json", [("trace", b"\x01\xff"), ("empty", None)]
    write(broker, "logs.raw.a", b"first", value, key=b"\xfepod", headers=headers)
    record = read(broker, "logs.raw.a", 2)[1]
    assert _send(broker, letter_of(record, "NotUtf8", "byte 0xff\nat 0")) == [None]
    (dead,) = read(broker, "logs.raw.a.dlq", 1)
    assert (dead.key(), dead.value()) == (b"\xfepod", value)
    assert dead.headers()[:2] == headers
    letter = read_letter(dead)
    assert letter is not None
    assert letter.id == ("logs.raw.a", 0, 1)
    assert (letter.reason, letter.detail) == ("NotUtf8", "byte 0xff\nat 0")
    assert letter.headers == tuple(headers)
    assert letter.time == record.timestamp()[1]


def test_a_replay_of_the_source_writes_the_same_letter(broker: str) -> None:
    write(broker, "logs.raw.b", b"x")
    for _ in range(2):
        (record,) = read(broker, "logs.raw.b", 1)
        _send(broker, letter_of(record, "NotJson", "d"))
    first, second = read(broker, "logs.raw.b.dlq", 2)
    assert (first.key(), first.value(), first.headers()) == (second.key(), second.value(), second.headers())


def test_a_letter_that_died_again_tells_of_its_last_death_only(broker: str) -> None:
    write(broker, "logs.raw.c", b"x", headers=list(_letter("old", b"x").all_headers()))
    (record,) = read(broker, "logs.raw.c", 1)
    assert letter_of(record, "NotJson", "").headers == ()


def test_no_value_and_no_key_stay_none(broker: str) -> None:
    write(broker, "logs.raw.d", None)  # type: ignore[arg-type]
    (record,) = read(broker, "logs.raw.d", 1)
    _send(broker, letter_of(record, "NotJson", "0 bytes"))
    (dead,) = read(broker, "logs.raw.d.dlq", 1)
    assert (dead.key(), dead.value()) == (None, None)


def test_a_value_that_is_too_large_for_the_client_is_cut_and_says_so(broker: str) -> None:
    value = b"0123456789" * 300_000
    assert _send(broker, _letter("logs.raw.e", value)) == [None]
    (dead,) = read(broker, "logs.raw.e.dlq", 1)
    letter = read_letter(dead)
    assert letter is not None
    assert letter.size == len(value)
    assert letter.value is not None
    assert value.startswith(letter.value)
    assert len(letter.value) >= 1000


def test_a_foreign_record_is_no_letter(broker: str) -> None:
    write(broker, "logs.raw.f.dlq", b"x", headers=[("dspy.topic", b"t"), ("dspy.partition", b"one")])
    assert read_letter(read(broker, "logs.raw.f.dlq", 1)[0]) is None


def test_a_long_detail_is_cut_and_may_hold_anything(broker: str) -> None:
    write(broker, "logs.raw.g", b"x")
    (record,) = read(broker, "logs.raw.g", 1)
    _send(broker, letter_of(record, "NotJson", "\ud800" + "ä" * 10_000))
    (dead,) = read(broker, "logs.raw.g.dlq", 1)
    letter = read_letter(dead)
    assert letter is not None
    assert letter.detail.startswith("?ä")
    assert len(letter.detail) < 1000
