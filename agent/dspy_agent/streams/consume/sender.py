"""Sends what comes of a partition: dead letters, and contexts, made shorter where a broker wants that."""

from __future__ import annotations

import time
from typing import Final

from dspy_agent.streams.consume.measures import Measures
from dspy_agent.streams.consume.partition import Outgoing
from dspy_agent.streams.outbox import Outbox
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.topics import Topics
from dspy_agent_core.streams.shorten import MAX_CONTEXT_BYTES, shorten

_LEAST_BYTES: Final = 1000


class Sender:
    """Sends messages through ``outbox``; the batch of each is told when it is delivered."""

    def __init__(self, outbox: Outbox, topics: Topics, measures: Measures) -> None:
        self._outbox = outbox
        self._topics = topics
        self._measures = measures

    def send(self, outgoing: Outgoing) -> None:
        """Send a message."""
        message = outgoing.message
        if isinstance(message, Context):
            self._send_context(outgoing, message, MAX_CONTEXT_BYTES)
            return
        app = self._topics.app_of(message.topic) or ""

        def done() -> None:
            self._measures.dead_letters.labels(app, message.reason).inc()
            self._delivered(outgoing, app)

        self._outbox.send_letter(message, done)

    def _send_context(self, outgoing: Outgoing, context: Context, limit: int) -> None:
        value = context.encode()

        def done() -> None:
            self._measures.delivered(context)
            self._delivered(outgoing, context.app)

        def shorter() -> None:
            smaller = min(limit, len(value)) // 2
            self._send_context(outgoing, shorten(context, smaller), smaller)

        topic = self._topics.ctx(context.app)
        too_large = shorter if limit > _LEAST_BYTES else None
        self._outbox.send(topic, context.id.encode(), value, done, too_large)

    def _delivered(self, outgoing: Outgoing, app: str) -> None:
        outgoing.batch.undelivered -= 1
        if outgoing.batch.done and outgoing.batch.alarm is not None:
            late = time.time() - outgoing.batch.alarm / 1000
            self._measures.latency.labels(app).observe(max(0.0, late))
