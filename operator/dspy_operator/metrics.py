"""Prometheus metrics, on a registry of their own."""

from __future__ import annotations

from collections import Counter as Counted
from collections.abc import Iterator, Mapping
from typing import Any, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from dspy_operator.queue import Key

_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class ConditionBoard(Collector):
    """The latest conditions of every resource, counted when somebody asks."""

    def __init__(self) -> None:
        self._shown: dict[Key, frozenset[tuple[str, str]]] = {}
        self._shared: dict[frozenset[tuple[str, str]], frozenset[tuple[str, str]]] = {}

    def show(self, key: Key, status: Mapping[str, Any]) -> None:
        """Replace what is known of ``key``."""
        pairs = frozenset((c["type"], c["status"]) for c in status.get("conditions", []))
        self._shown[key] = self._shared.setdefault(pairs, pairs)

    def forget(self, key: Key) -> None:
        """Take ``key`` off."""
        self._shown.pop(key, None)

    def keep_only(self, keys: frozenset[Key]) -> None:
        """Take all others off."""
        for key in self._shown.keys() - keys:
            del self._shown[key]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the counts of kind, condition type and condition status."""
        family = GaugeMetricFamily(
            "dspy_operator_resources",
            "Resources by condition.",
            labels=["kind", "condition", "status"],
        )
        counts = Counted((key.kind, *pair) for key, pairs in self._shown.items() for pair in pairs)
        for labels, count in sorted(counts.items()):
            family.add_metric(list(labels), count)
        yield family


class Metrics:
    """All metrics of one operator process."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.board = ConditionBoard()
        self.registry.register(self.board)
        self.reconciles = Counter(
            "dspy_operator_reconciles",
            "Reconciles by kind and result (success, error).",
            ["kind", "result"],
            registry=self.registry,
        )
        self.errors = Counter(
            "dspy_operator_errors",
            "Failed reconciles by kind and error.",
            ["kind", "error"],
            registry=self.registry,
        )
        self.writes = Counter(
            "dspy_operator_writes", "Writes to the API server by kind.", ["kind"], registry=self.registry
        )
        self.duration = Histogram(
            "dspy_operator_reconcile_seconds",
            "Duration of a reconcile.",
            ["kind"],
            buckets=_SECONDS,
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "dspy_operator_queue_depth", "Keys that are due or worked on.", registry=self.registry
        )
        self.watch_restarts = Counter(
            "dspy_operator_watch_restarts",
            "Watches taken up again, by resource and cause (end, gone, error).",
            ["resource", "cause"],
            registry=self.registry,
        )
        self.audits = Counter("dspy_operator_audits", "Finished audits.", registry=self.registry)
        self.audit_found = Counter(
            "dspy_operator_audit_found", "Resources that an audit found to differ.", registry=self.registry
        )
        self.leader = Gauge("dspy_operator_leader", "1 while this process leads.", registry=self.registry)

    def text(self) -> bytes:
        """Return the exposition format."""
        return generate_latest(self.registry)
