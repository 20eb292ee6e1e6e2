"""A real Kafka broker in a container of its own, for one run."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from dspy_agent_core.contracts.topics import Topics, app_topics, shared_topics

IMAGE: Final = "apache/kafka:4.4.0"


@contextmanager
def broker(name: str) -> Iterator[str]:
    """Start a broker of that name, yield its address, and remove it with all it holds."""
    client, controller = _free_port(), _free_port()
    said = {
        "KAFKA_NODE_ID": "1",
        "KAFKA_PROCESS_ROLES": "broker,controller",
        "KAFKA_LISTENERS": f"PLAINTEXT://127.0.0.1:{client},CONTROLLER://127.0.0.1:{controller}",
        "KAFKA_ADVERTISED_LISTENERS": f"PLAINTEXT://127.0.0.1:{client}",
        "KAFKA_CONTROLLER_LISTENER_NAMES": "CONTROLLER",
        "KAFKA_LISTENER_SECURITY_PROTOCOL_MAP": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "KAFKA_CONTROLLER_QUORUM_VOTERS": f"1@127.0.0.1:{controller}",
        "KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR": "1",
        "KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS": "1",
        "KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS": "0",
        "KAFKA_AUTO_CREATE_TOPICS_ENABLE": "false",
        "KAFKA_LOG_DIRS": "/tmp/kraft-combined-logs",
        "KAFKA_HEAP_OPTS": "-Xmx512m -Xms512m",
    }
    words = [word for key, value in said.items() for word in ("-e", f"{key}={value}")]
    docker("run", "-d", "--name", name, "--network", "host", *words, IMAGE)
    try:
        bootstrap = f"127.0.0.1:{client}"
        admin = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
        _await(lambda: admin.list_topics(timeout=2))
        yield bootstrap
    finally:
        docker("rm", "-f", "-v", name)


def create_topics(bootstrap: str, app: str, partitions: int) -> None:
    """Create the topics of ``app`` and those that all apps share."""
    admin = AdminClient({"bootstrap.servers": bootstrap})
    there = admin.list_topics(timeout=30).topics
    wanted = [*app_topics(Topics(), app, partitions), *shared_topics(Topics())]
    new = [
        NewTopic(spec.name, spec.partitions, 1, config=dict(spec.config))
        for spec in wanted
        if spec.name not in there
    ]
    for made in admin.create_topics(new).values():
        made.result(30)
    asking = Consumer({"bootstrap.servers": bootstrap, "group.id": "asking"})
    for spec in new:
        leader = TopicPartition(spec.topic, spec.num_partitions - 1)
        _await(lambda leader=leader: asking.get_watermark_offsets(leader, 5))
    asking.close()


def docker(*words: str) -> None:
    """Run a docker command."""
    subprocess.run(["docker", *words], check=True, stdout=subprocess.DEVNULL)


def _await(asked: Callable[[], object], seconds: float = 90.0) -> None:
    """Ask until there is an answer."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            asked()
            return
        except KafkaException:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
