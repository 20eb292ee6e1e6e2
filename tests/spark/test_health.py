"""Probes follow the progress of the query."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from dspy_agent_core.errors import UsageError
from dspy_spark.health import STALE_SECONDS, Health, Progress, serving


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def _get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_ready_after_the_first_batch_and_alive_from_the_start() -> None:
    health = Health()
    with serving(health, 0) as port:
        assert _get(port, "/healthz") == (200, "ok\n")
        assert _get(port, "/readyz")[0] == 503
        health.note(Progress(0, 7, 1.5))
        assert _get(port, "/readyz") == (200, "ok\n")
        status, text = _get(port, "/metrics")
        assert status == 200
        assert "dspy_agent_stream_lines_total 7\n" in text
        assert "dspy_agent_spark_batch_seconds 1.5\n" in text
        assert _get(port, "/other")[0] == 404


def test_a_query_without_progress_is_neither_ready_nor_alive() -> None:
    clock = Clock()
    health = Health(clock)
    health.note(Progress(3, 1, 0.5))
    clock.now += STALE_SECONDS + 1
    assert health.answer("/healthz")[0] == 503
    assert health.answer("/readyz")[0] == 503
    health.note(Progress(3, 1, 0.5))
    assert health.answer("/healthz")[0] == 503, "the same batch is no progress"
    health.note(Progress(4, 1, 0.5))
    assert health.answer("/healthz") == health.answer("/readyz") == (200, "ok\n")


def test_a_port_in_use_is_told() -> None:
    with serving(Health(), 0) as port, pytest.raises(UsageError) as caught, serving(Health(), port):
        pass
    assert caught.value.code == "PortInUse"
