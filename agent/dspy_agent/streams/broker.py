"""Follows whether the clients of a program reach the brokers, by their own callbacks."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final

from dspy_agent.streams.health import Health
from dspy_agent_core.errors import ClusterError

_PART: Final = "broker"
_LOOK_MS: Final = 2000
_QUIET: Final = 2  # librdkafka's own log lines: critical ones only
_PASSING: Final = ("_TRANSPORT", "_RESOLVE", "_TIMED_OUT")  # one of several brokers: the client goes on
_REFUSED: Final = ("_AUTHENTICATION", "_SSL")


class BrokerWatch:
    """Turns what the clients of one program say of their brokers into readiness and errors.

    A broker that is away ends nothing: the clients go on trying.

    Args:
        health: told whether a broker is reached.
        report: takes code and message of an error.
    """

    def __init__(self, health: Health, report: Callable[[str, str], None]) -> None:
        self._health = health
        self._report = report
        self._fatal: ClusterError | None = None

    def options(self) -> dict[str, Any]:
        """Return the client properties that let a client tell; its ``poll`` serves them."""
        return {
            "error_cb": self.on_error,
            "stats_cb": self._on_statistics,
            "statistics.interval.ms": _LOOK_MS,
            "log_level": _QUIET,
        }

    def check(self) -> None:
        """Raise what a client can't go on after.

        Raises:
            ClusterError: a client can't go on, such as a producer that another one fenced off.
        """
        if self._fatal is not None:
            raise self._fatal

    def on_error(self, error: Any) -> None:
        """Take a KafkaError that belongs to no record."""
        name, text = error.name(), error.str()
        if error.fatal() or name == "_FATAL":
            self._fatal = ClusterError(
                f"The Kafka client can't go on: {text}.",
                code="KafkaFatal",
                next="Start the program again: it takes up its work where it was committed.",
            )
        elif name in _REFUSED:
            self._health.unready(_PART, f"the broker refuses the connection: {text}")
            self._report("BrokerRefuses", f"The broker refuses the connection: {text}")
        elif name == "_ALL_BROKERS_DOWN":
            if self._health.unready(_PART, "no broker answers"):
                self._report("BrokerUnreachable", "No broker answers.")
        elif name not in _PASSING:
            self._report("KafkaError", f"{name}: {text}")

    def _on_statistics(self, text: str) -> None:
        brokers = json.loads(text)["brokers"].values()
        if any(broker["state"] == "UP" and broker["nodeid"] >= 0 for broker in brokers):
            self._health.ready(_PART)


def refused(error: Any, what: str) -> ClusterError | None:
    """Return what to tell where ``error`` says that this client may not use ``what``; None otherwise."""
    name = error.name()
    if not name.endswith("AUTHORIZATION_FAILED"):
        return None
    return ClusterError(
        f"The broker does not let this client use {what} ({name}).",
        code="NotAuthorized",
        next="Grant it: read on raw topics and its group, write on the others; or check --kafka-config.",
    )
