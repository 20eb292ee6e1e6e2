"""The light consumer: reads ``logs.raw.*``, writes ``logs.ctx.*``, commits what is delivered."""

from __future__ import annotations

import gc
import time
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import kafka
from dspy_agent.streams.broker import refused
from dspy_agent.streams.consume.assignment import starts
from dspy_agent.streams.consume.clock import BrokerClock
from dspy_agent.streams.consume.measures import Measures
from dspy_agent.streams.consume.partition import Partition
from dspy_agent.streams.consume.position import Position
from dspy_agent.streams.consume.sender import Sender
from dspy_agent.streams.dead_letters import letter_of
from dspy_agent.streams.group import subscription, take_read_error, topic_part
from dspy_agent.streams.outbox import Outbox
from dspy_agent.streams.program import Program
from dspy_agent_core.contracts.messages import BadMessage
from dspy_agent_core.errors import ClusterError
from dspy_agent_core.streams.records import read_record
from dspy_agent_core.streams.settings import StreamSettings
from dspy_agent_core.streams.windows import RawRecord

if TYPE_CHECKING:
    from confluent_kafka import Message, TopicPartition

Key = tuple[str, int]

_NEEDED: Final[dict[str, Any]] = {
    # What is written in a transaction counts from its time, as in Spark: lines are not taken back.
    "isolation.level": "read_uncommitted",
    "enable.partition.eof": True,
}
_DEFAULTS: Final[dict[str, Any]] = {
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
    "fetch.wait.max.ms": 100,
    "queued.max.messages.kbytes": 16_384,
    "topic.metadata.refresh.interval.ms": 5_000,
}
_BATCH: Final = 500
_COMMIT_SECONDS: Final = 0.25
_LOOK_SECONDS: Final = 1.0
_REVOKE_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 6.0
_IDLE_SECONDS: Final = 30.0
_MOST_WAITING: Final = 5000


class ContextConsumer:
    """One member of the group that turns raw lines into contexts.

    Args:
        program: the process's frame.
        settings: where Kafka is; no apps: all of the prefix, new ones too.
        group: the consumer group.
        once: read what is there now, close the windows, and end.
    """

    def __init__(self, program: Program, settings: StreamSettings, group: str, *, once: bool = False) -> None:
        self._program = program
        self._settings = settings
        self._once = once
        self._measures = Measures(program.registry)
        watch = program.watch.options()
        reading = {**_DEFAULTS, **settings.config, **_NEEDED, **watch, "on_commit": self._on_commit}
        self._consumer = kafka.consumer(settings, group, reading)
        self._probe = kafka.consumer(settings, group, {"log_level": 2})
        self._outbox = Outbox(
            kafka.producer(settings, watch),
            program,
            lambda name: self._measures.resent.labels(name).inc(),
        )
        self._sender = Sender(self._outbox, settings.topics, self._measures)
        self._partitions: dict[Key, Partition] = {}
        self._clocks: dict[Key, BrokerClock] = {}
        self._ends: dict[Key, int] = {}  # of a run with ``once``
        self._committed: dict[Key, Position] = {}
        self._committing: dict[Key, tuple[Partition, Position]] | None = None
        self._acknowledged: list[tuple[Partition, Position]] = []
        self._commit_at = self._look_at = 0.0
        self._idle_until = time.monotonic() + _IDLE_SECONDS
        self._paused = False
        self._told: set[str] = set()

    def run(self) -> None:
        """Work until the program should stop, or with ``once`` until the end was reached.

        Raises:
            ClusterError: the broker refuses, or the client can't go on.
        """
        self._consumer.subscribe(
            subscription(self._settings, self._settings.topics.raw),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        gc.freeze()  # what lives to the end is not looked through again: that shows in the latency
        while not self._program.stopping and not self._finished():
            self._program.tick()
            self._read()
            self._outbox.poll()
            self._confirm()
            self._decide()
            self._commit()
            self._throttle()
            self._look()
        self._drain()

    # Reading

    def _read(self) -> None:
        first = self._consumer.poll(self._patience())
        if first is None:
            return
        for message in [first, *self._consumer.consume(_BATCH - 1, 0)]:
            if message.error() is None:
                self._take(message)
            else:
                self._on_read_error(message)

    def _patience(self) -> float:
        """Return how long to wait for a record: until the next thing is to be done."""
        if any(partition.waits for partition in self._partitions.values()):
            return 0.001
        if self._committing is not None or not self._outbox.idle:
            return 0.005
        own = _own_clock()
        wait = 100
        for key, partition in self._partitions.items():
            if (due := partition.due) is not None and (now := self._clocks[key].now(own)) is not None:
                wait = min(wait, due - now)
        return max(wait, 1) / 1000

    def _take(self, message: Message) -> None:
        key = message.topic() or "", message.partition() or 0
        offset, (kind, stamp) = message.offset() or 0, message.timestamp()
        partition = self._partitions.get(key)
        if partition is None or offset >= self._ends.get(key, offset + 1):
            return
        if offset < partition.next:
            self._program.report("TopicMadeAnew", f"{key[0]}/{key[1]} begins again at {offset}.")
            partition = self._partitions[key] = self._partition(key, Position(offset))
        self._clocks[key].observe(_own_clock(), stamp)
        if kind != 2:
            self._warn_of_times(key[0])
        value, letter = message.value(), None
        try:
            record = read_record(offset, stamp, value)
        except BadMessage as bad:
            record = RawRecord(offset, stamp, None)
            letter = letter_of(message, bad.reason, str(bad))
        if not partition.is_replayed(offset):
            self._measures.read(partition.app, len(value or b""))
        for outgoing in partition.take(record, letter):
            self._sender.send(outgoing)

    def _on_read_error(self, message: Message) -> None:
        from confluent_kafka import KafkaError

        error: Any = message.error()
        key = message.topic() or "", message.partition() or 0
        if error.code() == KafkaError._PARTITION_EOF:
            if partition := self._partitions.get(key):
                partition.next = max(partition.next, message.offset() or 0)
        else:
            take_read_error(error, key[0], self._program, self._settings, once=self._once)

    def _warn_of_times(self, topic: str) -> None:
        if topic not in self._told:
            self._told.add(topic)
            self._program.report(
                "NotBrokerTime",
                f"{topic} has its producers' times, so windows may end at odd places; mend it: "
                f"dspy-agent stream topics --app {self._settings.topics.app_of(topic)}",
            )

    # Windows that silence ends

    def _decide(self) -> None:
        """Decide which windows end since no more records come; they end once that is committed."""
        from confluent_kafka import KafkaException

        own = _own_clock()
        for key, partition in self._partitions.items():
            if (end := self._ends.get(key)) is not None and partition.next >= end:
                partition.decide(force=True)
                continue
            due, now = partition.due, self._clocks[key].now(own)
            if due is None or now is None or now < due:
                continue
            try:
                _, high = self._probe.get_watermark_offsets(_topic_partition(key), 1.0, cached=False)
            except KafkaException:
                return  # the broker is away: nothing can be decided
            if partition.next >= high:
                partition.decide()

    def _confirm(self) -> None:
        acknowledged, self._acknowledged = self._acknowledged, []
        for partition, position in acknowledged:
            for outgoing in partition.confirm(position):
                self._sender.send(outgoing)

    # Commits

    def _commit(self) -> None:
        """Commit in the background; one commit at a time, at once where a decision waits for it."""
        from confluent_kafka import KafkaException

        urgent = any(partition.waits for partition in self._partitions.values())
        if self._committing is not None or (time.monotonic() < self._commit_at and not urgent):
            return
        wanted = self._progress(list(self._partitions))
        if not wanted:
            return
        self._commit_at = time.monotonic() + _COMMIT_SECONDS
        self._committing = wanted
        try:
            self._consumer.commit(offsets=_offsets(wanted), asynchronous=True)
        except KafkaException as failed:
            self._on_commit(failed.args[0], [])

    def _progress(self, keys: list[Key]) -> dict[Key, tuple[Partition, Position]]:
        positions = {key: (self._partitions[key], self._partitions[key].position()) for key in keys}
        return {key: pair for key, pair in positions.items() if self._committed.get(key) != pair[1]}

    def _on_commit(self, error: Any, partitions: list[TopicPartition]) -> None:
        committing, self._committing = self._committing or {}, None
        failed = error or next((each.error for each in partitions if each.error is not None), None)
        if failed is not None:
            self._measures.commit_errors.labels(failed.name()).inc()
            self._commit_at = time.monotonic() + _COMMIT_SECONDS
            if stop := refused(failed, "its group"):
                raise stop
            return
        for key, (partition, position) in committing.items():
            if self._partitions.get(key) is partition:
                self._committed[key] = position
                self._acknowledged.append((partition, position))

    # The group

    def _partition(self, key: Key, start: Position) -> Partition:
        topic, number = key
        self._clocks[key] = BrokerClock()
        return Partition(self._settings.topics.app_of(topic) or topic, topic, number, start)

    def _on_assign(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self._measures.rebalances.labels("assigned").inc()
        found = starts(consumer, partitions, self._program) if partitions else []
        for each, (start, end) in zip(partitions, found, strict=False):
            key = each.topic, each.partition
            self._partitions[key] = partition = self._partition(key, start)
            self._committed[key] = start
            each.offset = partition.next
            if self._once:
                self._ends[key] = end
            self._program.health.ready(topic_part(each.topic))
        consumer.incremental_assign(partitions)
        self._paused = False
        self._program.health.ready()

    def _on_revoke(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        """Deliver and commit what is complete; open windows are read again by the next owner."""
        self._measures.rebalances.labels("revoked").inc()
        keys = [key for each in partitions if (key := (each.topic, each.partition)) in self._partitions]
        deadline = time.monotonic() + _REVOKE_SECONDS
        while any(self._partitions[key].undelivered for key in keys) and time.monotonic() < deadline:
            self._outbox.poll(0.05)
        from confluent_kafka import KafkaException

        if wanted := self._progress(keys):
            try:
                consumer.commit(offsets=_offsets(wanted), asynchronous=False)
            except KafkaException as failed:
                self._measures.commit_errors.labels(failed.args[0].name()).inc()
        self._forget(keys)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        """Others have the partitions already: their new owner sends what we could not."""
        self._measures.rebalances.labels("lost").inc()
        self._forget([(each.topic, each.partition) for each in partitions])
        consumer.incremental_unassign(partitions)

    def _forget(self, keys: list[Key]) -> None:
        for key in keys:
            if partition := self._partitions.get(key):
                self._measures.forget(partition.app, partition.number)
            for known in (self._partitions, self._clocks, self._committed, self._ends):
                known.pop(key, None)

    # Limits, looks and the end

    def _throttle(self) -> None:
        """Take nothing more in while too much is on its way."""
        waiting = max((partition.waiting for partition in self._partitions.values()), default=0)
        if not self._paused and (self._outbox.full or waiting > _MOST_WAITING):
            self._consumer.pause(self._assigned())
            self._paused = True
        elif self._paused and self._outbox.half_empty and waiting == 0:
            self._consumer.resume(self._assigned())
            self._paused = False

    def _assigned(self) -> list[TopicPartition]:
        return [_topic_partition(key) for key in self._partitions]

    def _look(self) -> None:
        if time.monotonic() < self._look_at:
            return
        self._look_at = time.monotonic() + _LOOK_SECONDS
        if self._once and not self._partitions and time.monotonic() > self._idle_until:
            raise ClusterError(
                "No partition of a raw topic is given to this run.",
                code="NothingToRead",
                next="Check --app and --topic-prefix, and that no other consumer of the group runs.",
            )
        for key, partition in self._partitions.items():
            _, high = self._consumer.get_watermark_offsets(_topic_partition(key), cached=True)
            self._measures.lag.labels(partition.app, str(partition.number)).set(max(0, high - partition.next))

    def _finished(self) -> bool:
        if not (self._once and self._partitions):
            return False
        return all(
            partition.next >= self._ends[key] and not partition.is_open and not partition.undelivered
            for key, partition in self._partitions.items()
        )

    def _drain(self) -> None:
        """Deliver what is on its way, commit it and leave the group, within a few seconds."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        self._consumer.pause(self._assigned())
        while time.monotonic() < deadline:
            self._outbox.poll(0.01)
            self._consumer.poll(0)
            if not self._outbox.idle or self._committing is not None:
                continue
            if not self._progress(list(self._partitions)):
                break
            self._commit_at = 0.0
            self._commit()
        self._forget(list(self._partitions))
        self._consumer.close()
        self._probe.close()


def _own_clock() -> int:
    return time.monotonic_ns() // 1_000_000


def _topic_partition(key: Key) -> Any:
    from confluent_kafka import TopicPartition

    return TopicPartition(*key)


def _offsets(wanted: dict[Key, tuple[Partition, Position]]) -> list[Any]:
    from confluent_kafka import TopicPartition

    return [
        TopicPartition(topic, number, position.offset, position.metadata())
        for (topic, number), (_, position) in wanted.items()
    ]
