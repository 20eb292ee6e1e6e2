"""Sends a program's errors to ``agent.errors`` and its metrics to ``agent.metrics``.

Both are for people and dashboards: they wait in bounded memory for a broker that is away, and never hold
up the program.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.contracts.messages import Message, Metric, StreamError
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_METRICS_SECONDS: Final = 60.0
_REPEAT_SECONDS: Final = 60.0
_WAITING_MESSAGES: Final = 1000
_FLUSH_SECONDS: Final = 2.0
_REMEMBERED: Final = 200


class Reports:
    """One program's messages about itself.

    Args:
        source: the program's name.
        settings: where Kafka is; with no ``bootstrap`` nothing is sent.
        registry: what is sent to ``agent.metrics`` every minute: its gauges and counters.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        source: str,
        settings: StreamSettings,
        registry: CollectorRegistry,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        from prometheus_client import Counter

        self._source = source
        self._settings = settings
        self._registry = registry
        self._clock = clock
        self._producer: Any = None
        self._said: dict[tuple[str, str], float] = {}
        self._next_metrics = clock() + _METRICS_SECONDS
        self._errors = Counter(
            "dspy_agent_stream_errors", "Errors that the program lived through.", ["code"], registry=registry
        )

    def error(self, code: str, message: str) -> bool:
        """Send an error; return False if the same one was sent within the last minute."""
        self._errors.labels(code).inc()
        now = self._clock()
        if now - self._said.get((code, message), float("-inf")) < _REPEAT_SECONDS:
            return False
        if len(self._said) >= _REMEMBERED:
            self._said.clear()
        self._said[code, message] = now
        self._send(
            self._settings.topics.errors,
            StreamError(ts=_now(), source=self._source, code=code, message=message),
        )
        return True

    def tick(self) -> None:
        """Send the metrics if it is time."""
        if self._producer is not None:
            self._producer.poll(0)
        if self._clock() >= self._next_metrics:
            self.publish()

    def publish(self) -> None:
        """Send the metrics."""
        self._next_metrics = self._clock() + _METRICS_SECONDS
        for metric in self._metrics():
            self._send(self._settings.topics.metrics, metric)

    def close(self) -> None:
        """Give what is waiting a moment to be sent."""
        if self._producer is not None:
            self._producer.flush(_FLUSH_SECONDS)
            self._producer.purge()
            self._producer.flush(0)

    def _metrics(self) -> Iterator[Metric]:
        ts = _now()
        for family in self._registry.collect():
            for sample in family.samples:
                if family.type in ("counter", "gauge") and not sample.name.endswith("_created"):
                    labels = dict(sample.labels)
                    yield Metric(
                        ts=ts, source=self._source, name=sample.name, value=sample.value, labels=labels
                    )

    def _send(self, topic: str, message: Message) -> None:
        if not self._settings.bootstrap:
            return
        if self._producer is None:
            from dspy_agent.streams import kafka

            self._producer = kafka.producer(
                self._settings,
                {"queue.buffering.max.messages": _WAITING_MESSAGES, "linger.ms": 100, "log_level": 2},
            )
        with suppress(BufferError):
            self._producer.produce(topic, value=message.encode(), key=self._source.encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
