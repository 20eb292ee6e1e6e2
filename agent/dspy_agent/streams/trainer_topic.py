"""Reads ``agent.learning``: what other agents of the workspace told comes into its log, each event once.

Where to go on is kept in the workspace, beside what was read, and not by the broker: a workspace that is
lost and made anew then gets all back that the topic still has.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.learning.event import LOG_NAME, workspace_name
from dspy_agent.learning.known_ids import KnownIds
from dspy_agent.learning.log import MAX_LINE, append
from dspy_agent.learning.mirror import SHARED
from dspy_agent.learning.mirror_cursor import Cursor
from dspy_agent.streams import kafka
from dspy_agent.streams.dead_letters import letter_of
from dspy_agent.streams.group import take_read_error, topic_part
from dspy_agent.streams.outbox import Job, Outbox, Work
from dspy_agent.streams.program import Program
from dspy_agent_core.contracts.messages import BadMessage, LearningEvent, decode
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Message

_BATCH: Final = 500
_WAIT_SECONDS: Final = 0.1
_LINGER_SECONDS: Final = 0.2
_SAVE_SECONDS: Final = 0.5
_AGAIN_SECONDS: Final = 1.0
_LOOK_SECONDS: Final = 60.0
_ASK_SECONDS: Final = 5.0
_PART: Final = "log"
_READ: Final[dict[str, Any]] = {"enable.partition.eof": True}


class SharedEvents:
    """The events of the topic on their way into the log of ``workspace``.

    Args:
        program: the process's frame.
        settings: where Kafka is.
        outbox: sends dead letters.
        cursor: where to go on.
        workspace: events of workspaces with another name are passed over.
        made: called before a new log is written.
        steps: so many are written at once; fewer if no more come.
        once: read what is there now.
    """

    def __init__(
        self,
        program: Program,
        settings: StreamSettings,
        outbox: Outbox,
        cursor: Cursor,
        workspace: Path,
        made: Callable[[], None],
        *,
        steps: int,
        once: bool,
    ) -> None:
        from prometheus_client import Counter

        self._program, self._settings, self._outbox, self._cursor = program, settings, outbox, cursor
        self._topic = settings.topics.learning
        self._log, self._name, self._made = workspace / LOG_NAME, workspace_name(workspace), made
        self._steps, self._once = steps, once
        self._known = KnownIds(self._log)
        # No group is joined, but the client wants a name for one.
        self._consumer = kafka.consumer(
            settings, f"{settings.topics.prefix}dspy-agent.trainer", {**_READ, **program.watch.options()}
        )
        self._work: dict[int, Work] = {}
        self._ends: dict[int, int] = {}  # of a run with ``once``
        self._waiting: list[tuple[bytes, str, Job]] = []
        self._since = self._look_at = self._save_at = self._write_at = 0.0
        self._taken = Counter(
            "dspy_agent_trainer_shared",
            "Events that came from other agents, and what became of them.",
            ["result"],
            registry=program.registry,
        )
        self._letters = Counter(
            "dspy_agent_trainer_dead_letters",
            "Events that can't be used.",
            ["reason"],
            registry=program.registry,
        )

    @property
    def finished(self) -> bool:
        """Whether all that was there at the start is in the log."""
        return bool(self._ends) and all(
            max(work.seen, work.next) >= self._ends[partition] and not work.open
            for partition, work in self._work.items()
        )

    def step(self) -> None:
        """Read some, and write what is due.

        Raises:
            ClusterError: the broker does not let us read, or with ``once`` the topic is missing.
        """
        self._find_partitions()
        if len(self._waiting) < max(_BATCH, self._steps) and not self._outbox.full:
            for message in self._consumer.consume(_BATCH, _WAIT_SECONDS):
                self._take(message)
        else:
            self._program.wait(_WAIT_SECONDS)
        due = len(self._waiting) >= self._steps or time.monotonic() >= self._since + _LINGER_SECONDS
        if self._waiting and due and time.monotonic() >= self._write_at:
            self._write()
        if time.monotonic() >= self._save_at:
            self.save()

    def save(self) -> None:
        """Save where to go on."""
        self._save_at = time.monotonic() + _SAVE_SECONDS
        try:
            self._cursor.save(read={partition: work.place() for partition, work in self._work.items()})
        except OSError as error:
            self._program.report("CursorNotSaved", f"Where to go on can't be saved: {_words(error)}.")

    def close(self) -> None:
        """Write what came, save where to go on, and leave."""
        if self._waiting:
            self._write()
        self.save()
        self._consumer.close()

    def _find_partitions(self) -> None:
        """Begin with partitions that are new: those of the topic at first, and what it is given later."""
        if time.monotonic() < self._look_at:
            return
        from confluent_kafka import KafkaException, TopicPartition

        self._look_at = time.monotonic() + (_LOOK_SECONDS if self._work else _AGAIN_SECONDS)
        try:
            topic = self._consumer.list_topics(self._topic, timeout=_ASK_SECONDS).topics[self._topic]
            if topic.error is not None:
                take_read_error(topic.error, self._topic, self._program, self._settings, once=self._once)
                return
            new = [
                TopicPartition(self._topic, number) for number in topic.partitions if number not in self._work
            ]
            ends = [self._consumer.get_watermark_offsets(each, _ASK_SECONDS, cached=False) for each in new]
        except KafkaException as error:
            take_read_error(error.args[0], self._topic, self._program, self._settings, once=self._once)
            return
        for each, (low, high) in zip(new, ends, strict=True):
            each.offset = max(low, self._cursor.read.get(each.partition, 0))
            if each.offset > high:
                self._program.report("TopicMadeAnew", f"{self._topic} is read from its start again.")
                each.offset = low
            self._work[each.partition] = Work(each.offset)
            self._ends[each.partition] = high
        if new:
            self._consumer.incremental_assign(new)
        self._program.health.ready(topic_part(self._topic))

    def _take(self, message: Message) -> None:
        if message.error() is not None:
            self._on_read_error(message)
            return
        work = self._work[message.partition() or 0]
        job = work.begin(message.offset() or 0)
        try:
            event = decode(LearningEvent, message.value())
            line = _line(event)
        except BadMessage as bad:
            self._letters.labels(bad.reason).inc()
            self._outbox.send_letter(letter_of(message, bad.reason, str(bad)), job.finish)
            return
        if event.workspace != self._name:
            self._taken.labels("of another workspace").inc()
            job.finish()
            return
        if not self._waiting:
            self._since = time.monotonic()
        self._waiting.append((line, event.id, job))

    def _write(self) -> None:
        """Put what waits into the log, but for what it knows; what can't be written goes on waiting."""
        try:
            self._known.refresh()
            new: dict[str, bytes] = {}
            for line, id, _ in self._waiting:
                if id not in self._known:
                    new.setdefault(id, line)
            if new:
                append(self._log, new.values(), made=self._made)
        except OSError as error:
            self._write_at = time.monotonic() + _AGAIN_SECONDS
            self._program.health.unready(_PART, f"the event log can't be written: {_words(error)}")
            self._program.report("LogNotWritten", f"The event log can't be written: {_words(error)}.")
            return
        self._program.health.ready(_PART)
        self._taken.labels("learned").inc(len(new))
        self._taken.labels("known").inc(len(self._waiting) - len(new))
        for _, _, job in self._waiting:
            job.finish()
        self._waiting = []

    def _on_read_error(self, message: Message) -> None:
        from confluent_kafka import KafkaError

        error: Any = message.error()
        if error.code() == KafkaError._PARTITION_EOF:
            work = self._work[message.partition() or 0]
            work.seen = max(work.seen, message.offset() or 0)
        else:
            take_read_error(error, self._topic, self._program, self._settings, once=self._once)


def _line(event: LearningEvent) -> bytes:
    """Return the line for an event of another agent.

    Raises:
        BadMessage: it is too long for a line.
    """
    line = event.model_copy(update={SHARED: True}).encode()
    if len(line) >= MAX_LINE:
        raise BadMessage("TooLarge", f"{len(line)} bytes, more than a line of the log has")
    return line


def _words(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
