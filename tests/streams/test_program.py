"""The frame of the streams' programs: probes, metrics, signals, telling of errors."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping

import pytest
from prometheus_client import CollectorRegistry

from dspy_agent.streams.broker import BrokerWatch
from dspy_agent.streams.health import STALE_SECONDS, Health
from dspy_agent.streams.http import JSON, Reply, serving
from dspy_agent.streams.program import Program
from dspy_agent.streams.reports import Reports
from dspy_agent_core.errors import ClusterError, UsageError
from tests.support.kafka import mock_cluster, read_topic, settings, until


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_probes_follow_the_program() -> None:
    with mock_cluster() as bootstrap:
        program = Program("stream-test", settings(bootstrap), port=0)
        with program, serving(0, program.probes()) as port:
            assert get(port, "/healthz") == (200, "ok\n")
            assert get(port, "/readyz") == (503, "the program is starting\n")
            program.health.ready()
            assert get(port, "/readyz") == (200, "ok\n")
            program.health.unready("topic", "the topic logs.raw.web is missing")
            assert get(port, "/readyz") == (503, "the topic logs.raw.web is missing\n")
            program.report("TopicMissing", "logs.raw.web")
            assert 'dspy_agent_stream_errors_total{code="TopicMissing"} 1.0' in get(port, "/metrics")[1]
            assert get(port, "/nothing")[0] == 404


def test_errors_and_metrics_are_messages() -> None:
    with mock_cluster() as bootstrap:
        now = [0.0]
        registry = CollectorRegistry()
        reports = Reports("stream-test", settings(bootstrap, prefix="t."), registry, lambda: now[0])
        assert reports.error("Odd", "Something was odd.")
        assert not reports.error("Odd", "Something was odd.")
        now[0] = 3600
        reports.tick()
        reports.close()
        [error] = [json.loads(record.value()) for record in read_topic(bootstrap, "t.agent.errors")]
        assert (error["source"], error["code"], error["message"]) == (
            "stream-test",
            "Odd",
            "Something was odd.",
        )
        metrics = [json.loads(record.value()) for record in read_topic(bootstrap, "t.agent.metrics")]
        assert {
            "name": "dspy_agent_stream_errors_total",
            "value": 2.0,
            "labels": {"code": "Odd"},
        }.items() <= (metrics[0].items())


def test_a_loop_that_hangs_is_not_healthy() -> None:
    now = [0.0]
    health = Health(lambda: now[0])
    health.ready()
    now[0] = STALE_SECONDS + 1
    assert health.stuck() is not None
    assert health.waiting_for()
    health.beat()
    assert (health.stuck(), health.waiting_for()) == (None, [])


def test_routes_of_a_program_stand_below_their_path() -> None:
    def shop(path: str, query: Mapping[str, list[str]]) -> Reply:
        return Reply(json.dumps([path, query]).encode(), content_type=JSON)

    def pieces(path: str, query: Mapping[str, list[str]]) -> Reply:
        return Reply(iter([b"a", b"b"]))

    with serving(0, {"/v1/shop": shop, "/pieces": pieces}) as port:
        assert json.loads(get(port, "/v1/shop/a%20b?x=1&x=2")[1]) == ["a b", {"x": ["1", "2"]}]
        assert json.loads(get(port, "/v1/shop")[1]) == ["", {}]
        assert get(port, "/v1/shopping")[0] == 404
        assert get(port, "/pieces") == (200, "ab")


def test_a_taken_port_is_a_clear_error() -> None:
    with serving(0, {}) as port, pytest.raises(UsageError, match="can't be served"), serving(port, {}):
        pass


class _Error:
    def __init__(self, name: str, fatal: bool = False) -> None:
        self.name, self.fatal, self.str = (lambda: name), (lambda: fatal), (lambda: "words")


def test_a_broker_that_is_away_is_told_once_and_comes_back() -> None:
    told: list[str] = []
    health = Health()
    health.ready()
    watch = BrokerWatch(health, lambda code, message: told.append(code))
    for _ in range(2):
        watch.on_error(_Error("_TRANSPORT"))
        watch.on_error(_Error("_ALL_BROKERS_DOWN"))
    watch.check()
    assert (told, health.waiting_for()) == (["BrokerUnreachable"], ["no broker answers"])
    watch._on_statistics('{"brokers": {"a:1/1": {"state": "UP", "nodeid": 1}}}')
    assert health.waiting_for() == []
    watch.on_error(_Error("_FATAL", fatal=True))
    with pytest.raises(ClusterError, match="can't go on"):
        watch.check()


WAITING = """
import sys
from dspy_agent.streams.program import Program
from dspy_agent.streams.reports import Reports
from dspy_agent_core.streams.settings import stream_settings
with Program("stream-test", stream_settings("127.0.0.1:1", "", (), None)) as program:
    print("up", flush=True)
    program.wait(60)
    print("drained", flush=True)
    if sys.argv[1] == "hang":
        while True:
            program.health.beat()
"""


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_the_first_signal_drains_and_the_second_ends_at_once(signum: int) -> None:
    for way in ("end", "hang"):
        with subprocess.Popen(
            [sys.executable, "-c", WAITING, way], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "up\n"
            process.send_signal(signum)
            assert process.stdout.readline() == "drained\n"
            if way == "hang":
                process.send_signal(signum)
            until(lambda p=process: p.poll() is not None, "the program does not end")  # type: ignore[misc]
            assert process.returncode == (128 + signum if way == "hang" else 0)
