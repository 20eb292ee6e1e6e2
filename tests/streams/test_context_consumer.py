"""The light engine when something is missing, away, refused or too large."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, Producer

from tests.streams.engine import assert_tiled, consumer, contexts
from tests.support.kafka import MockCluster, mock_cluster, read_topic, until

PRODUCE = 0  # the request's number in the protocol


@pytest.fixture
def bootstrap() -> Iterator[MockCluster]:
    with mock_cluster() as cluster:
        for topic in ("logs.raw.web", "logs.ctx.web", "agent.errors"):
            cluster.create(topic, 1)
        yield cluster


def ship(bootstrap: str, *lines: str, app: str = "web") -> None:
    producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
    for line in lines:
        value = json.dumps({"line": line, "source": "pod"})
        producer.produce(f"logs.raw.{app}", value, timestamp=int(time.time() * 1000), partition=0)
    assert producer.flush(20) == 0


def error_line(number: int) -> str:
    return f"2026-11-18 11:06:40,001 ERROR shop - broken {chr(97 + number)}"


def told(bootstrap: str, app: str = "web") -> set[str]:
    """Return the messages of all events so far."""
    values = contexts(bootstrap, app).values()
    return {event["message"] for value in values for event in json.loads(value)["events"]}


def free_port() -> int:
    """Return a port below those that the system hands out, so that nobody gets it meanwhile."""
    while True:
        port = random.randint(20_000, 32_000)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port


def ready(port: int) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.read().decode()
    except OSError:
        return "not up"


def metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return answer.read().decode()


def test_a_broker_that_is_away_loses_nothing_and_ends_nothing(bootstrap: MockCluster, tmp_path: Path) -> None:
    port = free_port()
    ship(bootstrap, error_line(0))
    with consumer(bootstrap, tmp_path, "--app", "web", "--http-port", str(port)) as process:
        until(lambda: ready(port) == "ok\n" and told(bootstrap) == {"shop - broken a"}, "it does not start")
        bootstrap.set_up(False)
        until(lambda: "no broker answers" in ready(port), "readiness does not say it")
        bootstrap.set_up(True)
        ship(bootstrap, error_line(1))
        until(lambda: "shop - broken b" in told(bootstrap), "it does not go on")
        until(lambda: ready(port) == "ok\n", "it does not get ready again")
        assert 'contexts_total{app="web"} 2.0' in metrics(port)
        assert process.poll() is None
        process.terminate()
        assert process.wait(20) == 0
    assert_tiled(contexts(bootstrap, "web"), {0: 2})
    codes = [json.loads(record.value())["code"] for record in read_topic(bootstrap, "agent.errors")]
    assert "BrokerUnreachable" in codes


def test_without_a_broker_it_still_ends_in_time(bootstrap: MockCluster, tmp_path: Path) -> None:
    port = free_port()
    ship(bootstrap, error_line(0))
    with consumer(bootstrap, tmp_path, "--app", "web", "--http-port", str(port)) as process:
        until(lambda: told(bootstrap) == {"shop - broken a"}, "it does not start")
        bootstrap.set_up(False)
        until(lambda: "no broker answers" in ready(port), "readiness does not say it")
        process.terminate()
        assert process.wait(15) == 0
    bootstrap.set_up(True)


def test_a_second_signal_does_not_wait(bootstrap: MockCluster, tmp_path: Path) -> None:
    port = free_port()
    with consumer(bootstrap, tmp_path, "--app", "web", "--http-port", str(port)) as process:
        until(lambda: ready(port) == "ok\n", "it does not start")
        bootstrap.fail("logs.ctx.web", KafkaError.TOPIC_EXCEPTION)
        ship(bootstrap, error_line(0))
        until(lambda: "takes no messages" in ready(port), "readiness does not say it")
        process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.5)
        process.send_signal(signal.SIGINT)
        assert process.wait(5) == 128 + signal.SIGINT


def test_an_output_topic_that_takes_nothing_for_a_while(bootstrap: MockCluster, tmp_path: Path) -> None:
    port = free_port()
    bootstrap.fail("logs.ctx.web", KafkaError.TOPIC_EXCEPTION)
    ship(bootstrap, error_line(0))
    with consumer(bootstrap, tmp_path, "--app", "web", "--http-port", str(port)) as process:
        until(lambda: "takes no messages" in ready(port), "readiness does not say it")
        bootstrap.fail("logs.ctx.web", 0)
        until(lambda: told(bootstrap) == {"shop - broken a"}, "it is not sent again")
        until(lambda: ready(port) == "ok\n", "it does not get ready again")
        process.terminate()
        assert process.wait(20) == 0


def test_a_context_that_the_broker_takes_for_too_large_gets_shorter(
    bootstrap: MockCluster, tmp_path: Path
) -> None:
    ship(bootstrap, *[f"{error_line(n % 26)}{chr(97 + n // 26)} {'x' * 100}" for n in range(60)])
    bootstrap.fail_requests(PRODUCE, KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.MSG_SIZE_TOO_LARGE)
    with consumer(bootstrap, tmp_path, "--app", "web", "--once") as process:
        assert process.wait(60) == 0
    [value] = contexts(bootstrap, "web").values()
    said = json.loads(value)
    assert said["lines_read"] == 60
    assert "over-size" in {hidden["rule"] for hidden in said["hidden"]}


def test_a_topic_that_is_missing_is_waited_for(bootstrap: MockCluster, tmp_path: Path) -> None:
    port = free_port()
    with consumer(bootstrap, tmp_path, "--app", "late", "--http-port", str(port)) as process:
        until(lambda: "waits for the topic logs.raw.late" in ready(port), "readiness does not say it")
        bootstrap.create("logs.raw.late", 1)
        ship(bootstrap, error_line(0), app="late")
        bootstrap.create("logs.ctx.late", 1)
        until(lambda: bool(told(bootstrap, "late")), "it is not read")
        until(lambda: ready(port) == "ok\n", "it does not get ready")
        process.terminate()
        assert process.wait(20) == 0
    with consumer(bootstrap, tmp_path, "--app", "never", "--once", log="once") as process:
        assert process.wait(30) == 6
    assert "stream topics --app never" in (tmp_path / "once").read_text()


def test_new_topics_of_the_prefix_are_found(bootstrap: MockCluster, tmp_path: Path) -> None:
    for topic in ("t.logs.raw.one", "t.logs.ctx.one", "t.logs.raw.one.dlq", "t.logs.ctx.two"):
        bootstrap.create(topic, 1)
    with consumer(bootstrap, tmp_path, "--topic-prefix", "t.") as process:
        producer = Producer({"bootstrap.servers": bootstrap, "log_level": 0})
        producer.produce("t.logs.raw.one", b'{"line": "ERROR one"}', partition=0)
        producer.produce("t.logs.raw.one.dlq", b'{"line": "ERROR letter"}', partition=0)
        producer.flush(20)
        until(lambda: len(read_topic(bootstrap, "t.logs.ctx.one")) == 1, "the first is not read")
        bootstrap.create("t.logs.raw.two", 1)
        producer.produce("t.logs.raw.two", b'{"line": "ERROR two"}', partition=0)
        producer.flush(20)
        until(lambda: len(read_topic(bootstrap, "t.logs.ctx.two")) == 1, "the second is not found")
        process.terminate()
        assert process.wait(20) == 0


def test_a_topic_that_may_not_be_read_is_a_clear_error(bootstrap: MockCluster, tmp_path: Path) -> None:
    bootstrap.fail("logs.raw.web", KafkaError.TOPIC_AUTHORIZATION_FAILED)
    with consumer(bootstrap, tmp_path, "--app", "web") as process:
        assert process.wait(30) == 6
    said = (tmp_path / "log").read_text()
    assert "does not let this client use the topic logs.raw.web" in said
    assert "next:" in said
