"""The metrics of the light consumer."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from dspy_agent_core.contracts.messages import Context

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

_PREFIX: Final = "dspy_agent_stream_"
_SECONDS: Final = (0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 10, 60)


class Measures:
    """Counts what the consumer does, by app."""

    def __init__(self, registry: CollectorRegistry) -> None:
        from prometheus_client import Counter, Gauge, Histogram

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(_PREFIX + name, what, labels, registry=registry)

        self.lines = counter("lines", "Raw records that were read.", "app")
        self.bytes = counter("bytes", "Bytes of their values.", "app")
        self._reading: dict[str, tuple[Counter, Counter]] = {}
        self.contexts = counter("contexts", "Contexts that were delivered.", "app")
        self.events = counter("events", "Events in them.", "app")
        self.hidden = counter("hidden_lines", "Lines that are not shown in them, by rule.", "app", "rule")
        self.dead_letters = counter("dead_letters", "Records sent to the dead letters.", "app", "reason")
        self.rebalances = counter("rebalances", "Changes of the assignment, by kind.", "kind")
        self.commit_errors = counter("commit_errors", "Commits that failed.", "code")
        self.resent = counter("resent", "Messages sent again after a failed delivery.", "code")
        self.lag = Gauge(_PREFIX + "lag", "Records not yet read.", ["app", "partition"], registry=registry)
        self.latency = Histogram(
            _PREFIX + "latency_seconds",
            "From a window's first line of level warning, at the broker, to its context's delivery.",
            ["app"],
            buckets=_SECONDS,
            registry=registry,
        )

    def read(self, app: str, size: int) -> None:
        """Count a raw record with a value of ``size`` bytes."""
        counters = self._reading.get(app)
        if counters is None:
            counters = self._reading[app] = self.lines.labels(app), self.bytes.labels(app)
        counters[0].inc()
        counters[1].inc(size)

    def delivered(self, context: Context) -> None:
        """Count a context."""
        self.contexts.labels(context.app).inc()
        self.events.labels(context.app).inc(len(context.events))
        for hidden in context.hidden:
            self.hidden.labels(context.app, hidden.rule).inc(hidden.lines)

    def forget(self, app: str, partition: int) -> None:
        """Take the lag of a partition off that others have now."""
        with suppress(KeyError):
            self.lag.remove(app, str(partition))
