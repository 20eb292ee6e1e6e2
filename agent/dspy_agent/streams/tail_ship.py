"""Sends lines to a raw topic, keeps them until they are delivered, and never more than fit into memory."""

from __future__ import annotations

import time
from collections import deque
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import kafka
from dspy_agent.streams.broker import refused
from dspy_agent.streams.program import Program
from dspy_agent.streams.tail_lines import Piece
from dspy_agent_core.contracts.messages import RawLine, decode
from dspy_agent_core.errors import ClusterError
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Producer

_PENDING_BYTES: Final = 16 << 20
_PENDING_LINES: Final = 50_000
_RETRY_SECONDS: Final = 1.0
_TOO_LARGE: Final = "MSG_SIZE_TOO_LARGE"
_SMALLEST_LINE: Final = 256


class Item:
    """A line on its way. ``end``: where the next one begins in ``generation`` of its file."""

    __slots__ = ("delivered", "end", "generation", "key", "value")

    def __init__(self, key: bytes, value: bytes, end: int, generation: int) -> None:
        self.key = key
        self.value = value
        self.end = end
        self.generation = generation
        self.delivered = False


class Shipper:
    """Sends lines to one topic.

    Args:
        program: told of errors; its metrics are counted in its registry.
        settings: where Kafka is.
        topic: the raw topic.
        patient: a topic that does not exist is waited for; else that is an error.
    """

    def __init__(self, program: Program, settings: StreamSettings, topic: str, *, patient: bool) -> None:
        from prometheus_client import Counter, Gauge

        self._program = program
        self._topic = topic
        self._patient = patient
        self._producer: Producer = kafka.producer(settings, program.watch.options())
        self._pending_bytes = 0
        self._pending_lines = 0
        self._failed: deque[Item] = deque()
        self._retry_at = 0.0
        self.shipped = 0
        registry = program.registry
        self._lines = Counter("dspy_agent_tail_lines", "Lines delivered.", registry=registry)
        self._bytes = Counter("dspy_agent_tail_bytes", "Bytes of messages delivered.", registry=registry)
        self._cut = Counter("dspy_agent_tail_cut_lines", "Lines that were too long.", registry=registry)
        waiting = Gauge("dspy_agent_tail_pending_lines", "Lines not delivered yet.", registry=registry)
        waiting.set_function(lambda: self._pending_lines)

    @property
    def has_room(self) -> bool:
        """Whether more lines may be taken now."""
        return self._pending_bytes < _PENDING_BYTES and self._pending_lines < _PENDING_LINES

    @property
    def pending(self) -> int:
        """Lines that are not delivered yet."""
        return self._pending_lines

    def ship(self, piece: Piece, source: str, ts: float, generation: int = 0) -> Item:
        """Send a line that was written or read at ``ts``, epoch seconds."""
        value = RawLine(line=piece.text, ts=ts, source=source).encode()
        item = Item(source.encode(), value, piece.end, generation)
        if piece.cut:
            self._cut.inc()
            self._program.report(
                "LineCut", f"A line of {source} is too long: {piece.cut} bytes are left out."
            )
        self._pending_lines += 1
        self._pending_bytes += len(item.value)
        self._send(item)
        return item

    def poll(self, seconds: float) -> None:
        """Wait at most so long for news of deliveries; send again what failed.

        Raises:
            ClusterError: the broker refuses the lines, or has no such topic and nobody is patient.
        """
        self._producer.poll(seconds)
        if not self._failed or time.monotonic() < self._retry_at:
            return
        again, self._failed = self._failed, deque()
        while again:
            self._send(again.popleft())

    def drain(self, seconds: float) -> bool:
        """Wait until all is delivered; return whether it was, in time."""
        until = time.monotonic() + seconds
        while self._pending_lines and time.monotonic() < until:
            self.poll(0.05)
        return not self._pending_lines

    def _send(self, item: Item) -> None:
        try:
            self._producer.produce(
                self._topic, value=item.value, key=item.key, on_delivery=partial(self._done, item)
            )
        except BufferError:
            self._failed.append(item)

    def _done(self, item: Item, error: Any, _: Any) -> None:
        if error is not None:
            self._on_failure(item, error)
            return
        item.delivered = True
        self._pending_lines -= 1
        self._pending_bytes -= len(item.value)
        self.shipped += 1
        self._lines.inc()
        self._bytes.inc(len(item.value))

    def _on_failure(self, item: Item, error: Any) -> None:
        before, smaller = len(item.value), item.value
        if error.name() == _TOO_LARGE:
            smaller = _halved(item.value)
        if len(smaller) < before:
            item.value = smaller
            self._pending_bytes += len(item.value) - before
            self._cut.inc()
            self._program.report("LineCut", f"The broker takes no record of {before} bytes: a line is cut.")
        elif stop := refused(error, f"the topic {self._topic}"):
            raise stop
        elif self._patient:
            self._retry_at = time.monotonic() + _RETRY_SECONDS
            self._program.report("NotDelivered", f"{self._topic} takes no lines now: {error.str()}")
        else:
            raise ClusterError(
                f"Topic {self._topic} takes no lines: {error.str().rstrip('.')}.",
                code="NotDelivered",
                next=f"Make its topics: dspy-agent stream topics --app {self._topic.rpartition('.')[2]}",
            )
        self._failed.append(item)


def _halved(value: bytes) -> bytes:
    message = decode(RawLine, value)
    kept = message.line[: max(_SMALLEST_LINE, len(message.line) // 2)]
    return message.model_copy(update={"line": f"{kept} … [cut]"}).encode()
