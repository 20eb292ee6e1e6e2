"""The light engine makes the recorded contexts of the recorded input, however often it is interrupted."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from confluent_kafka import Producer

from tests.streams.engine import consumer, contexts
from tests.streams.golden import APP, golden_contexts, golden_letters, golden_records
from tests.support.kafka import mock_cluster, read_topic, until


@pytest.fixture
def bootstrap() -> Iterator[str]:
    with mock_cluster() as address:
        producer = Producer({"bootstrap.servers": address, "log_level": 0})
        for record in golden_records():
            producer.produce(
                f"logs.raw.{APP}",
                record.value,
                record.key,
                partition=record.partition,
                timestamp=record.time,
            )
        assert producer.flush(20) == 0
        yield address


def check(bootstrap: str) -> None:
    assert contexts(bootstrap, APP) == golden_contexts()
    letters = read_topic(bootstrap, f"logs.raw.{APP}.dlq")
    places = {(int(head["dspy.partition"]), int(head["dspy.offset"])) for head in map(headers, letters)}
    assert places == golden_letters()


def headers(record) -> dict[str, bytes]:
    return dict(record.headers())


def test_in_one_go(bootstrap: str, tmp_path: Path) -> None:
    with consumer(bootstrap, tmp_path, "--app", APP, "--once") as process:
        assert process.wait(60) == 0
    check(bootstrap)


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_interrupted_at_several_points(bootstrap: str, tmp_path: Path, signum: int) -> None:
    for number in range(4):
        log = f"log {number}"
        with consumer(bootstrap, tmp_path, "--app", APP, log=log) as process:
            until(lambda log=log: bool((tmp_path / log).read_bytes()), "no line is read")  # type: ignore[misc]
            with suppress(subprocess.TimeoutExpired):
                process.wait(0.02 * number)
            process.send_signal(signum)
            assert process.wait(20) == (0 if signum == signal.SIGTERM else -signum)
    with consumer(bootstrap, tmp_path, "--app", APP, "--once") as process:
        assert process.wait(60) == 0
    check(bootstrap)


def test_shared_by_two_that_come_and_go(bootstrap: str, tmp_path: Path) -> None:
    with consumer(bootstrap, tmp_path, "--app", APP, log="one") as one:
        until(lambda: bool((tmp_path / "one").read_bytes()), "the first does not read")
        with consumer(bootstrap, tmp_path, "--app", APP, log="two") as two:
            until(lambda: len(contexts(bootstrap, APP)) >= len(golden_contexts()), "contexts are missing")
            one.terminate()
            assert one.wait(20) == 0
            two.terminate()
            assert two.wait(20) == 0
    check(bootstrap)
