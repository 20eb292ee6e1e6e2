"""Sends contexts and dead letters until each is delivered, in bounded memory."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import dead_letters
from dspy_agent.streams.broker import refused
from dspy_agent.streams.consume.measures import Measures
from dspy_agent.streams.consume.partition import Outgoing
from dspy_agent_core.contracts import topics
from dspy_agent_core.contracts.dead_letters import Letter
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.errors import ClusterError
from dspy_agent_core.streams.shorten import MAX_CONTEXT_BYTES, shorten

if TYPE_CHECKING:
    from confluent_kafka import Producer

    from dspy_agent.streams.program import Program

_MOST_BYTES: Final = 32 << 20
_MOST_MESSAGES: Final = 5000
_AGAIN_SECONDS: Final = 1.0
_PART: Final = "output"
_LEAST_BYTES: Final = 1000
_LOST_WITH_CLIENT: Final = ("_FATAL", "_PURGE_QUEUE", "_PURGE_INFLIGHT", "_DESTROY")


class Sender:
    """What is on its way to the broker.

    A message whose delivery fails (a topic is missing, say) is sent again every second: offsets are
    committed only behind it. A context that the broker takes for too large is made shorter.
    """

    def __init__(
        self, producer: Producer, names: topics.Topics, program: Program, measures: Measures
    ) -> None:
        self._producer = producer
        self._topics = names
        self._program = program
        self._measures = measures
        self._again: deque[tuple[float, Callable[[], None]]] = deque()
        self._messages = 0
        self._bytes = 0
        self._refused: ClusterError | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._messages

    @property
    def full(self) -> bool:
        """Whether no more should be taken in."""
        return self._messages >= _MOST_MESSAGES or self._bytes >= _MOST_BYTES

    @property
    def half_empty(self) -> bool:
        """Whether more can be taken in again."""
        return self._messages <= _MOST_MESSAGES // 2 and self._bytes <= _MOST_BYTES // 2

    def poll(self, seconds: float = 0.0) -> None:
        """Take note of deliveries, and send again what failed.

        Raises:
            ClusterError: the broker does not let us write.
        """
        self._producer.poll(seconds)
        if self._refused is not None:
            raise self._refused
        while self._again and self._again[0][0] <= time.monotonic():
            self._again.popleft()[1]()

    def send(self, outgoing: Outgoing) -> None:
        """Send a message; its batch is told when it is delivered."""
        self._messages += 1
        if isinstance(outgoing.message, Context):
            self._send_context(outgoing, outgoing.message, MAX_CONTEXT_BYTES)
        else:
            self._send_letter(outgoing, outgoing.message)

    def _send_context(self, outgoing: Outgoing, context: Context, limit: int) -> None:
        value = context.encode()
        self._bytes += len(value)

        def done(error: Any, _: Any) -> None:
            self._bytes -= len(value)
            if error is None:
                self._measures.delivered(context)
                self._delivered(outgoing, context.app)
            elif error.name() == "MSG_SIZE_TOO_LARGE" and limit > _LEAST_BYTES:
                smaller = min(limit, len(value)) // 2
                self._measures.resent.labels(error.name()).inc()
                self._send_context(outgoing, shorten(context, smaller), smaller)
            else:
                self._failed(error, topic, lambda: self._send_context(outgoing, context, limit))

        topic = self._topics.ctx(context.app)
        try:
            self._producer.produce(topic, value=value, key=context.id.encode(), on_delivery=done)
        except BufferError:
            self._bytes -= len(value)
            self._later(lambda: self._send_context(outgoing, context, limit))

    def _send_letter(self, outgoing: Outgoing, letter: Letter) -> None:
        app = self._topics.app_of(letter.topic) or ""
        size = len(letter.value or b"")
        self._bytes += size

        def delivered(error: Any) -> None:
            self._bytes -= size
            if error is None:
                self._measures.dead_letters.labels(app, letter.reason).inc()
                self._delivered(outgoing, app)
            else:
                topic = topics.dead_letters(letter.topic)
                self._failed(error, topic, lambda: self._send_letter(outgoing, letter))

        try:
            dead_letters.send(self._producer, letter, delivered)
        except BufferError:
            self._bytes -= size
            self._later(lambda: self._send_letter(outgoing, letter))

    def _delivered(self, outgoing: Outgoing, app: str) -> None:
        self._messages -= 1
        outgoing.batch.undelivered -= 1
        self._program.health.ready(_PART)
        if outgoing.batch.done and outgoing.batch.alarm is not None:
            late = time.time() - outgoing.batch.alarm / 1000
            self._measures.latency.labels(app).observe(max(0.0, late))

    def _failed(self, error: Any, topic: str, again: Callable[[], None]) -> None:
        name = error.name()
        if name in _LOST_WITH_CLIENT:
            return
        self._refused = self._refused or refused(error, f"the topic {topic}")
        self._measures.resent.labels(name).inc()
        self._program.health.unready(_PART, f"{topic} takes no messages: {error.str()}")
        self._program.report("NotDelivered", f"{topic} takes no messages: {error.str()}")
        self._later(again)

    def _later(self, again: Callable[[], None]) -> None:
        self._again.append((time.monotonic() + _AGAIN_SECONDS, again))
