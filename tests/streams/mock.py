"""A Kafka cluster in this process: librdkafka's mock. Topics come into being when they are used."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, Producer, TopicPartition

from dspy_agent.streams.settings import StreamSettings
from dspy_agent_core.contracts.topics import Topics

PARTITIONS = 4  # what the mock gives each topic


@contextmanager
def mock_cluster() -> Iterator[str]:
    """Yield the address of a cluster of one broker."""
    keeper = Producer(
        {"bootstrap.servers": "mock", "test.mock.num.brokers": 1, "log_level": 0, "client.id": "mock"}
    )
    broker = next(iter(keeper.list_topics(timeout=10).brokers.values()))
    yield f"{broker.host}:{broker.port}"


def settings(bootstrap: str, *apps: str, prefix: str = "") -> StreamSettings:
    """Return the settings of programs that work on ``bootstrap``."""
    return StreamSettings(bootstrap, Topics(prefix), apps, {})


def read_topic(bootstrap: str, topic: str, seconds: float = 20.0) -> list[Any]:
    """Return all records of ``topic``, partition after partition."""
    consumer = Consumer(
        {
            "bootstrap.servers": bootstrap,
            "group.id": "reader",
            "enable.partition.eof": True,
            "log_level": 0,
        }
    )
    known = consumer.list_topics(topic, timeout=10).topics[topic].partitions
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


def until(met: Callable[[], bool], what: str, seconds: float = 30.0) -> None:
    """Wait for a condition; fail with ``what`` if it is not met in time."""
    deadline = time.monotonic() + seconds
    while not met():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)
