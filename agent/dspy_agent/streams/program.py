"""What every streams' program shares: signals, probes, metrics, and telling of errors.

with Program("stream-ctx", settings, port=8080) as program:
    consumer = kafka.consumer(settings, group, program.watch.options())
    program.health.ready()
    while not program.stopping:
        program.tick()
        ...
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import ExitStack
from types import FrameType, TracebackType
from typing import Final

from dspy_agent.streams.broker import BrokerWatch
from dspy_agent.streams.health import Health
from dspy_agent.streams.http import Reply, Route, serving
from dspy_agent.streams.kafka import cluster_error
from dspy_agent.streams.reports import Reports
from dspy_agent_core.streams.settings import StreamSettings

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


class Program:
    """One run of a streams' program, from its start to its drained end.

    The first SIGTERM or SIGINT sets ``stopping``; a second one ends the process at once.

    Args:
        name: ``source`` of its metrics and errors, such as ``stream-ctx``.
        settings: where Kafka is.
        port: serves /healthz, /readyz, /metrics and ``routes``; 0 serves nothing.
        host: the address to serve at; the empty one means all interfaces.
        stop: set by somebody else to end the program.
    """

    def __init__(
        self,
        name: str,
        settings: StreamSettings,
        port: int = 0,
        routes: Mapping[str, Route] | None = None,
        host: str = "",
        stop: threading.Event | None = None,
    ) -> None:
        from prometheus_client import CollectorRegistry

        self.name = name
        self._bootstrap = settings.bootstrap
        self.health = Health()
        self.registry = CollectorRegistry()
        self.reports = Reports(name, settings, self.registry)
        self.watch = BrokerWatch(self.health, self.report)
        self._port, self._host = port, host
        self._routes = dict(routes or {})
        self._stop = stop or threading.Event()
        self._signum = 0
        self._closing = ExitStack()

    @property
    def stopping(self) -> bool:
        """Whether the program was asked to end."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask the program to end."""
        self._stop.set()

    def wait(self, seconds: float) -> bool:
        """Wait so long, or until the program should end; return whether it should."""
        return self._stop.wait(seconds)

    def tick(self) -> None:
        """Call this each time the main loop comes round, at least every few seconds.

        Raises:
            ClusterError: a client can't go on, such as a producer that was fenced off.
        """
        self.health.beat()
        self.reports.tick()
        self.watch.check()

    def say(self, text: str) -> None:
        """Tell people, on stderr."""
        sys.stderr.write(f"{self.name}: {text}\n")
        sys.stderr.flush()

    def report(self, code: str, message: str) -> None:
        """Tell of an error on stderr and on ``agent.errors``; the same one at most once a minute."""
        if self.reports.error(code, message):
            self.say(f"{code}: {message}")

    def __enter__(self) -> Program:
        for signum in _ENDING:
            before = signal.signal(signum, self._on_signal)
            self._closing.callback(signal.signal, signum, before)
        self._closing.callback(self.reports.close)
        if self._port:
            self._closing.enter_context(serving(self._port, {**self.probes(), **self._routes}, self._host))
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._closing.close()
        from confluent_kafka import KafkaException

        if isinstance(error, KafkaException):
            raise cluster_error(error.args[0], self._bootstrap) from None

    def _on_signal(self, signum: int, frame: FrameType | None) -> None:
        if self._stop.is_set():
            os._exit(128 + signum)
        self._stop.set()

    def probes(self) -> dict[str, Route]:
        """Return the routes that every program has."""
        from prometheus_client import generate_latest

        def healthz(path: str, query: Mapping[str, list[str]]) -> Reply:
            stuck = self.health.stuck()
            return Reply(f"{stuck or 'ok'}\n".encode(), 503 if stuck else 200)

        def readyz(path: str, query: Mapping[str, list[str]]) -> Reply:
            reasons = self.health.waiting_for()
            return Reply(("\n".join(reasons or ["ok"]) + "\n").encode(), 503 if reasons else 200)

        def metrics(path: str, query: Mapping[str, list[str]]) -> Reply:
            return Reply(
                generate_latest(self.registry), content_type="text/plain; version=0.0.4; charset=utf-8"
            )

        return {"/healthz": healthz, "/readyz": readyz, "/metrics": metrics}
