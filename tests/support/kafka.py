"""A Kafka cluster inside the test process: librdkafka's own mock of the protocol, and what reads it.

It makes topics when they are first used. It has no admin calls but those that list, and its records have the
time 1234 plus the request's number.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import confluent_kafka
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from dspy_agent_core.contracts.topics import Topics
from dspy_agent_core.streams.settings import StreamSettings

QUIET = {"log_level": 2}
DEADLINE = 30.0
PARTITIONS = 4  # what the mock gives each topic


class MockCluster(str):
    """The address of a cluster of one broker, and what can be done to it."""

    _made: Any

    def set_up(self, up: bool) -> None:
        """Let the broker come back, or go away: connections close, and none opens."""
        call = _library().rd_kafka_mock_broker_set_up if up else _library().rd_kafka_mock_broker_set_down
        assert call(self._made, 1) == 0

    def create(self, topic: str, partitions: int = PARTITIONS) -> None:
        """Create a topic with so many partitions."""
        assert _library().rd_kafka_mock_topic_create(self._made, topic.encode(), partitions, 1) == 0

    def fail(self, topic: str, code: int) -> None:
        """Let requests for a topic fail with an error of the protocol; 0 ends that."""
        _library().rd_kafka_mock_topic_set_error(self._made, topic.encode(), code)

    def fail_requests(self, api: int, *codes: int) -> None:
        """Let the next requests of a kind (its number in the protocol) fail with these errors."""
        errors = (ctypes.c_int * len(codes))(*codes)
        _library().rd_kafka_mock_push_request_errors_array(
            self._made, ctypes.c_int16(api), ctypes.c_size_t(len(codes)), errors
        )


@contextmanager
def mock_cluster() -> Iterator[MockCluster]:
    """Yield a cluster of one broker. Members of a new group do not wait for each other."""
    library = _library()
    keeper = ctypes.c_void_p(library.rd_kafka_new(0, None, None, ctypes.c_size_t(0)))
    made = ctypes.c_void_p(library.rd_kafka_mock_cluster_new(keeper, 1))
    library.rd_kafka_mock_group_initial_rebalance_delay_ms(made, 100)
    cluster = MockCluster(library.rd_kafka_mock_cluster_bootstraps(made).decode())
    cluster._made = made
    try:
        yield cluster
    finally:
        library.rd_kafka_mock_cluster_destroy(made)
        library.rd_kafka_destroy(keeper)


@cache
def _library() -> ctypes.CDLL:
    """Return the librdkafka that the client brings along: its mock can do more than the client shows."""
    folder = Path(confluent_kafka.__file__).parents[1] / "confluent_kafka.libs"
    library = ctypes.CDLL(str(next(folder.glob("librdkafka*"))))
    library.rd_kafka_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_new.restype = ctypes.c_void_p
    library.rd_kafka_mock_cluster_bootstraps.restype = ctypes.c_char_p
    return library


def settings(bootstrap: str, *apps: str, prefix: str = "") -> StreamSettings:
    """Return the settings of programs that work on ``bootstrap``."""
    return StreamSettings(bootstrap, Topics(prefix), apps, {})


def write(bootstrap: str, topic: str, *values: bytes, partition: int = 0, **more: Any) -> None:
    """Write records to one partition and wait until they are there."""
    producer = Producer({**QUIET, "bootstrap.servers": bootstrap})
    for value in values:
        producer.produce(topic, value, partition=partition, **more)
    assert producer.flush(DEADLINE) == 0


def read(bootstrap: str, topic: str, enough: Callable[[list[Any]], bool] | int) -> list[Any]:
    """Read all partitions of ``topic`` from the start until there are ``enough`` records."""
    consumer = Consumer({**QUIET, "bootstrap.servers": bootstrap, "group.id": "reader"})
    done = enough if callable(enough) else lambda records: len(records) >= enough
    records: list[Any] = []
    try:
        until = time.monotonic() + DEADLINE
        while not (known := consumer.list_topics(topic, timeout=DEADLINE).topics[topic].partitions):
            assert time.monotonic() < until, f"there is no {topic}"
            time.sleep(0.02)
        consumer.assign([TopicPartition(topic, number, 0) for number in known])
        while not done(records):
            assert time.monotonic() < until, f"only {len(records)} records in {topic}"
            record = consumer.poll(0.1)
            if record is not None and record.error() is None:
                records.append(record)
        return records
    finally:
        consumer.close()


def read_topic(bootstrap: str, topic: str, seconds: float = DEADLINE) -> list[Any]:
    """Return all records of ``topic``, partition after partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    known = consumer.list_topics(topic, timeout=DEADLINE).topics[topic].partitions
    consumer.assign([TopicPartition(topic, number, OFFSET_BEGINNING) for number in known])
    found: list[Any] = []
    open_partitions = set(known)
    deadline = time.monotonic() + seconds
    while open_partitions:
        assert time.monotonic() < deadline, f"{topic} can't be read to its end"
        record = consumer.poll(0.2)
        if record is None:
            continue
        error = record.error()
        if error is None:
            found.append(record)
        elif error.code() == KafkaError._PARTITION_EOF:
            open_partitions.discard(record.partition())
    consumer.close()
    return sorted(found, key=lambda record: (record.partition(), record.offset()))


def until(met: Callable[[], bool], what: str, seconds: float = DEADLINE) -> None:
    """Wait for a condition; fail with ``what`` if it is not met in time."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
