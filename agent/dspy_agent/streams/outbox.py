"""Sends messages until each is delivered, and keeps count of what of a partition is done."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import dead_letters
from dspy_agent.streams.broker import refused
from dspy_agent_core.contracts import topics
from dspy_agent_core.contracts.dead_letters import Letter
from dspy_agent_core.errors import ClusterError

if TYPE_CHECKING:
    from confluent_kafka import Producer

    from dspy_agent.streams.program import Program

_MOST: Final = 5000
_AGAIN_SECONDS: Final = 1.0
_PART: Final = "output"
_LOST_WITH_CLIENT: Final = ("_FATAL", "_PURGE_QUEUE", "_PURGE_INFLIGHT", "_DESTROY")


class Job:
    """One record that is being worked on."""

    __slots__ = ("done", "offset")

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.done = False

    def finish(self) -> None:
        """Note that all that comes of it was delivered."""
        self.done = True


class Work:
    """What of one partition was begun and what is done, in the order of its offsets.

    Attributes:
        first: where it began.
        next: where the first record begins that was not begun.
        seen: the partition's end, as far as it is known.
        committed: the last place that was committed.
    """

    def __init__(self, start: int) -> None:
        self.first = self.next = self.seen = self.committed = start
        self._jobs: deque[Job] = deque()

    def begin(self, offset: int) -> Job:
        """Begin the record at ``offset``."""
        job = Job(offset)
        self._jobs.append(job)
        self.next = offset + 1
        return job

    @property
    def open(self) -> bool:
        """Whether something begun is not done."""
        self._shift()
        return bool(self._jobs)

    def place(self) -> int:
        """Return where the first record begins that is not done."""
        self._shift()
        return self._jobs[0].offset if self._jobs else self.next

    def _shift(self) -> None:
        while self._jobs and self._jobs[0].done:
            self._jobs.popleft()


class Outbox:
    """Sends messages; one whose delivery fails (a topic is missing, say) is sent again every second."""

    def __init__(self, producer: Producer, program: Program) -> None:
        self._producer = producer
        self._program = program
        self._open = 0
        self._again: deque[tuple[float, Callable[[], None]]] = deque()
        self._refused: ClusterError | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing is on its way."""
        return not self._open

    @property
    def full(self) -> bool:
        """Whether no more should be taken in."""
        return self._open >= _MOST

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

    def send(self, topic: str, key: bytes, value: bytes, done: Callable[[], None]) -> None:
        """Send a message; ``done`` is called when it was delivered."""
        self._open += 1

        def attempt() -> None:
            try:
                self._producer.produce(
                    topic, value=value, key=key, on_delivery=lambda error, _: delivered(error)
                )
            except BufferError:
                self._later(attempt)

        delivered = self._report_to(topic, done, attempt)
        attempt()

    def send_letter(self, letter: Letter, done: Callable[[], None]) -> None:
        """Send a dead letter, as ``send`` does."""
        self._open += 1

        def attempt() -> None:
            try:
                dead_letters.send(self._producer, letter, delivered)
            except BufferError:
                self._later(attempt)

        delivered = self._report_to(topics.dead_letters(letter.topic), done, attempt)
        attempt()

    def _report_to(
        self, topic: str, done: Callable[[], None], again: Callable[[], None]
    ) -> Callable[[Any], None]:
        def delivered(error: Any) -> None:
            if error is None:
                self._open -= 1
                self._program.health.ready(_PART)
                done()
            elif error.name() not in _LOST_WITH_CLIENT:
                self._refused = self._refused or refused(error, f"the topic {topic}")
                self._program.health.unready(_PART, f"{topic} takes no messages: {error.str()}")
                self._program.report("NotDelivered", f"{topic} takes no messages: {error.str()}")
                self._later(again)

        return delivered

    def _later(self, again: Callable[[], None]) -> None:
        self._again.append((time.monotonic() + _AGAIN_SECONDS, again))
