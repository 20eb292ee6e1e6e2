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

_MOST_BYTES: Final = 32 << 20
_MOST_MESSAGES: Final = 5000
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
    """What is on its way to the broker, in bounded memory.

    A message whose delivery fails (a topic is missing, say) is sent again every second: offsets are
    committed only behind it.

    Args:
        resent: told the name of the error of each delivery that failed.
    """

    def __init__(
        self, producer: Producer, program: Program, resent: Callable[[str], None] = lambda name: None
    ) -> None:
        self._producer = producer
        self._program = program
        self._resent = resent
        self._messages = 0
        self._bytes = 0
        self._again: deque[tuple[float, Callable[[], None]]] = deque()
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

    def send(
        self,
        topic: str,
        key: bytes,
        value: bytes,
        done: Callable[[], None],
        too_large: Callable[[], None] | None = None,
    ) -> None:
        """Send a message; ``done`` is called when it was delivered.

        ``too_large`` is called in its place if the broker does not take a message of that size; without
        it the message is sent again like any other.
        """
        self._attempt(
            topic,
            len(value),
            lambda told: self._producer.produce(
                topic, value=value, key=key, on_delivery=lambda error, _: told(error)
            ),
            done,
            too_large,
        )

    def send_letter(self, letter: Letter, done: Callable[[], None]) -> None:
        """Send a dead letter, as ``send`` does."""
        self._attempt(
            topics.dead_letters(letter.topic),
            len(letter.value or b""),
            lambda told: dead_letters.send(self._producer, letter, told),
            done,
        )

    def _attempt(
        self,
        topic: str,
        size: int,
        produce: Callable[[Callable[[Any], None]], None],
        done: Callable[[], None],
        too_large: Callable[[], None] | None = None,
    ) -> None:
        def told(error: Any) -> None:
            if error is None:
                self._leave(size)
                self._program.health.ready(_PART)
                done()
                return
            name = error.name()
            if name in _LOST_WITH_CLIENT:
                return
            self._resent(name)
            if name == "MSG_SIZE_TOO_LARGE" and too_large is not None:
                self._leave(size)
                too_large()
                return
            self._refused = self._refused or refused(error, f"the topic {topic}")
            self._program.health.unready(_PART, f"{topic} takes no messages: {error.str()}")
            self._program.report("NotDelivered", f"{topic} takes no messages: {error.str()}")
            self._later(attempt)

        def attempt() -> None:
            try:
                produce(told)
            except BufferError:
                self._later(attempt)

        self._messages += 1
        self._bytes += size
        attempt()

    def _leave(self, size: int) -> None:
        self._messages -= 1
        self._bytes -= size

    def _later(self, again: Callable[[], None]) -> None:
        self._again.append((time.monotonic() + _AGAIN_SECONDS, again))
