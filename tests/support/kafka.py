"""A Kafka cluster inside the test process: librdkafka's own mock of the protocol, and what reads it.

It makes topics when they are first named. It has no admin calls, and its records have the time 1234 plus
the request's number.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from confluent_kafka import Consumer, Producer, TopicPartition

QUIET = {"log_level": 2}
DEADLINE = 20.0


@contextmanager
def mock_cluster(brokers: int = 1, **config: Any) -> Iterator[str]:
    """Run a mock cluster and give its ``host:port``; ``config`` has client properties, ``_`` for ``.``."""
    more = {name.replace("_", "."): value for name, value in config.items()}
    keeper = Producer({**QUIET, "bootstrap.servers": "mock", "test.mock.num.brokers": brokers, **more})
    found = keeper.list_topics(timeout=DEADLINE).brokers.values()
    yield ",".join(f"{broker.host}:{broker.port}" for broker in found)
    keeper.flush(0)


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
