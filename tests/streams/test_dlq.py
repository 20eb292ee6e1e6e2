"""``stream dlq``: what is there, one record as it was, and sending back, once."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Producer
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.streams.dead_letters import send
from dspy_agent.streams.replay_progress import Progress
from dspy_agent_core.contracts.dead_letters import Letter
from tests.support.kafka import DEADLINE, QUIET, mock_cluster, read, write

PROGRAM = str(Path(sys.executable).with_name("dspy-agent"))
RAW = "logs.raw.web"


@given(st.lists(st.lists(st.integers(0, 40), max_size=6), max_size=8))
def test_progress_remembers_exactly_what_was_added_through_its_words(batches: list[list[int]]) -> None:
    progress, wanted = Progress(), set()
    for batch in batches:
        progress = Progress(progress.offset, progress.metadata)
        progress.add(batch)
        wanted |= set(batch)
        assert {offset for offset in range(50) if offset in progress} == wanted
        assert progress.offset not in wanted


@pytest.fixture
def broker() -> Iterator[str]:
    with mock_cluster() as bootstrap:
        write(bootstrap, RAW, b"kept", key=b"k")
        yield bootstrap


def _letter(offset: int, value: bytes | None = b"\xff{", reason: str = "NotUtf8", **more: Any) -> Letter:
    headers = (("trace", b"\x01\xff"),)
    return Letter(RAW, 0, offset, 1_700_000_000_000, b"pod", value, headers, reason, "why", **more)


def _die(bootstrap: str, *letters: Letter) -> None:
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap})
    for letter in letters:
        producer.poll(0)
        send(producer, letter, lambda error: None)
        assert producer.flush(DEADLINE) == 0


def _dlq(broker: str, *words: str) -> tuple[int, Any]:
    command = [PROGRAM, "stream", "dlq", *words, "--json", "--bootstrap", broker]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    return done.returncode, json.loads(done.stdout)


def _returned(broker: str, count: int) -> list[tuple[Any, ...]]:
    records = [record for record in read(broker, RAW, 1 + count) if record.key() != b"k"]
    return [(one.partition(), one.key(), one.value(), one.headers()) for one in records]


def test_letters_are_counted_by_reason_and_twins_once(broker: str) -> None:
    _die(broker, _letter(1), _letter(2, reason="NotJson"), _letter(3), _letter(1))
    code, answer = _dlq(broker, "list")
    (topic,) = answer["topics"]
    assert code == 0
    assert (topic["topic"], topic["letters"], topic["replayed"]) == (f"{RAW}.dlq", 3, 0)
    assert topic["reasons"] == {"NotUtf8": 2, "NotJson": 1}


def test_no_letters_is_nothing_found(broker: str) -> None:
    assert _dlq(broker, "list") == (1, {"topics": []})


def test_one_letter_is_shown_with_its_bytes(broker: str) -> None:
    _die(broker, _letter(5), _letter(6, b"text"))
    (first, _) = read(broker, f"{RAW}.dlq", 2)
    code, shown = _dlq(broker, "show", RAW, str(first.offset()))
    assert code == 0
    assert shown["source"] == {"topic": RAW, "partition": 0, "offset": 5}
    assert (shown["reason"], shown["detail"], shown["time"]) == ("NotUtf8", "why", "2023-11-14T22:13:20.000Z")
    assert (shown["key"], shown["value"]) == ({"text": "pod"}, {"base64": "/3s="})
    assert shown["headers"] == [{"name": "trace", "value": {"base64": "Af8="}}]


def test_bytes_never_reach_the_terminal_raw(broker: str) -> None:
    _die(broker, _letter(5, b"\x1b[2Jboo\xff"))
    command = [PROGRAM, "stream", "dlq", "show", RAW, "--bootstrap", broker]
    done = subprocess.run(command, capture_output=True, timeout=60)
    assert done.returncode == 0
    assert b"\x1b" not in done.stdout
    assert b"1b 5b 32 4a" in done.stdout


def test_a_replay_brings_back_the_same_record_once(broker: str) -> None:
    _die(broker, _letter(1), _letter(2, None), _letter(1))
    assert _dlq(broker, "replay", RAW)[1]["replayed"] == 2
    headers = [("trace", b"\x01\xff")]
    wanted = [(0, b"pod", b"\xff{", headers), (0, b"pod", None, headers)]
    assert sorted(_returned(broker, 2), key=str) == sorted(wanted, key=str)
    code, answer = _dlq(broker, "replay", "--all")
    assert (code, answer["replayed"]) == (1, 0)
    _die(broker, _letter(3, b"new"))
    assert _dlq(broker, "replay", "--all")[1]["replayed"] == 1
    assert _dlq(broker, "list")[1]["topics"][0]["replayed"] == 3


def test_what_was_not_chosen_can_be_replayed_later(broker: str) -> None:
    _die(broker, _letter(1), _letter(2, b"x", reason="NotJson"), _letter(3))
    assert _dlq(broker, "replay", RAW, "--reason", "NotJson")[1]["replayed"] == 1
    assert _dlq(broker, "replay", RAW, "--reason", "NotJson")[1]["replayed"] == 0
    assert _dlq(broker, "replay", RAW)[1]["replayed"] == 2


def test_what_is_cut_or_foreign_is_left_and_said(broker: str) -> None:
    _die(broker, _letter(1, size=5_000_000))
    write(broker, f"{RAW}.dlq", b"foreign")
    code, answer = _dlq(broker, "replay", RAW)
    assert (code, answer["replayed"]) == (1, 0)
    assert {one["why"].partition(" ")[0] for one in answer["left"]} == {"only", "its"}


def test_a_topic_without_letters_and_a_missing_broker_are_told(broker: str) -> None:
    code, answer = _dlq(broker, "show", "logs.raw.other")
    assert (code, answer["error"]["code"]) == (2, "NoSuchTopic")
    code, answer = _dlq("127.0.0.1:1", "list")
    assert (code, answer["error"]["code"]) == (6, "BrokerUnreachable")
