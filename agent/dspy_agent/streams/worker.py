"""``stream worker``: reads contexts, writes what to make of them.

Offsets are committed behind what was delivered, so a context may be answered twice, under the same id.
A model, where there is one, is asked in a thread of its own, one context at a time. What it can't keep up
with is answered by rules: of the contexts of one app that wait for it, only the newest stays.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import kafka
from dspy_agent.streams.consume.assignment import starts
from dspy_agent.streams.dead_letters import letter_of
from dspy_agent.streams.group import subscription, take_read_error, topic_part
from dspy_agent.streams.model_advice import ModelDesk
from dspy_agent.streams.outbox import Outbox, Work
from dspy_agent.streams.program import Program
from dspy_agent_core.contracts.messages import BadMessage, Context, Result, decode
from dspy_agent_core.streams.advice import Advice, advise
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Message, TopicPartition

Key = tuple[str, int]

BY_RULES: Final = "rules"
_BATCH: Final = 100
_COMMIT_SECONDS: Final = 0.5
_REVOKE_SECONDS: Final = 5.0
_DRAIN_SECONDS: Final = 6.0
_WAIT_SECONDS: Final = 0.1
_READ: Final[dict[str, Any]] = {
    "enable.partition.eof": True,
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
    "topic.metadata.refresh.interval.ms": 5_000,
}


class Worker:
    """One member of the group that answers contexts.

    Args:
        program: the process's frame.
        settings: where Kafka is; no apps: all of the prefix, new ones too.
        group: the consumer group.
        model: None: all is answered by rules.
        once: answer what is there now, and end.
    """

    def __init__(
        self, program: Program, settings: StreamSettings, group: str, model: ModelDesk | None, *, once: bool
    ) -> None:
        from prometheus_client import Counter

        self._program = program
        self._settings = settings
        self._model = model
        self._once = once
        watch = program.watch.options()
        self._consumer = kafka.consumer(settings, group, {**_READ, **watch})
        self._outbox = Outbox(kafka.producer(settings, watch), program)
        self._work: dict[Key, Work] = {}
        self._ends: dict[Key, int] = {}  # of a run with ``once``
        self._commit_at = 0.0
        self._paused = False
        registry = program.registry
        self._contexts = Counter(
            "dspy_agent_worker_contexts", "Contexts that came.", ["app"], registry=registry
        )
        self._results = Counter(
            "dspy_agent_worker_results", "Results written.", ["app", "by"], registry=registry
        )
        self._letters = Counter(
            "dspy_agent_worker_dead_letters", "Contexts that can't be read.", ["reason"], registry=registry
        )

    def run(self) -> None:
        """Work until the program should stop, or with ``once`` until the end was reached.

        Raises:
            ClusterError: the broker refuses, or the client can't go on.
        """
        self._consumer.subscribe(
            subscription(self._settings, self._settings.topics.ctx),
            on_assign=self._on_assign,
            on_revoke=self._on_revoke,
            on_lost=self._on_lost,
        )
        while not self._program.stopping and not self._finished():
            self._program.tick()
            self._read()
            self._hear_model()
            self._outbox.poll()
            self._throttle()
            if time.monotonic() >= self._commit_at:
                self._commit(asynchronous=True)
        self._drain()

    def _read(self) -> None:
        first = self._consumer.poll(_WAIT_SECONDS if self._outbox.idle else 0.005)
        if first is not None:
            for message in [first, *self._consumer.consume(_BATCH, 0)]:
                self._take(message)

    def _take(self, message: Message) -> None:
        if message.error() is not None:
            self._on_read_error(message)
            return
        key, offset = (message.topic() or "", message.partition() or 0), message.offset() or 0
        work = self._work.get(key)
        if work is None or offset >= self._ends.get(key, offset + 1):
            return
        job = work.begin(offset)
        try:
            context = decode(Context, message.value())
        except BadMessage as bad:
            self._letters.labels(bad.reason).inc()
            self._outbox.send_letter(letter_of(message, bad.reason, str(bad)), job.finish)
            return
        self._contexts.labels(context.app).inc()
        by_rules = advise(context)
        if by_rules is None:
            job.finish()
        elif self._model is None:
            self._answer(context, by_rules, BY_RULES, job.finish)
        else:
            self._model.ask(context, by_rules, job.finish)

    def _hear_model(self) -> None:
        if self._model is None:
            return
        for answer in self._model.answers():
            self._answer(answer.context, answer.advice, answer.by, answer.done)
            if answer.trouble:
                self._program.report("ModelFailed", answer.trouble)

    def _answer(self, context: Context, advice: Advice, by: str, done: Any) -> None:
        result = Result(
            id=context.id,
            app=context.app,
            summary=advice.summary,
            key_points=advice.key_points,
            plan=advice.plan,
            ts=context.window.end,
            by=by,
        )
        self._results.labels(context.app, "rules" if by == BY_RULES else "model").inc()
        topic = self._settings.topics.results(context.app)
        self._outbox.send(topic, context.id.encode(), result.encode(), done)

    def _on_read_error(self, message: Message) -> None:
        from confluent_kafka import KafkaError

        error: Any = message.error()
        topic = message.topic() or ""
        if error.code() == KafkaError._PARTITION_EOF:
            if work := self._work.get((topic, message.partition() or 0)):
                work.seen = max(work.seen, message.offset() or 0)
        else:
            take_read_error(error, topic, self._program, self._settings, once=self._once)

    # The group

    def _on_assign(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        found = starts(consumer, partitions, self._program) if partitions else []
        for each, (start, end) in zip(partitions, found, strict=True):
            key = each.topic, each.partition
            self._work[key] = Work(start.offset)
            if self._once:
                self._ends[key] = end
            each.offset = start.offset
            self._program.health.ready(topic_part(each.topic))
        consumer.incremental_assign(partitions)
        self._paused = False
        self._program.health.ready()

    def _on_revoke(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        """Deliver and commit what was begun."""
        if self._model is not None:
            self._model.give_up()
            self._hear_model()
        keys = [(each.topic, each.partition) for each in partitions]
        until = time.monotonic() + _REVOKE_SECONDS
        while any(key in self._work and self._work[key].open for key in keys) and time.monotonic() < until:
            self._outbox.poll(0.05)
        self._commit(asynchronous=False)
        self._forget(keys)
        consumer.incremental_unassign(partitions)

    def _on_lost(self, consumer: Any, partitions: list[TopicPartition]) -> None:
        self._forget([(each.topic, each.partition) for each in partitions])
        consumer.incremental_unassign(partitions)

    def _forget(self, keys: list[Key]) -> None:
        for key in keys:
            self._work.pop(key, None)
            self._ends.pop(key, None)

    def _commit(self, *, asynchronous: bool) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        self._commit_at = time.monotonic() + _COMMIT_SECONDS
        places = {key: work.place() for key, work in self._work.items()}
        # Whether the last commit in the background came through is not known: the end says all again.
        moved = {
            key: place
            for key, place in places.items()
            if place != self._work[key].committed or (not asynchronous and place != self._work[key].first)
        }
        if not moved:
            return
        offsets = [TopicPartition(*key, place) for key, place in moved.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=asynchronous)  # type: ignore[call-overload]
        except KafkaException as error:
            self._program.report("CommitFailed", error.args[0].str())
            return
        for key, place in moved.items():
            self._work[key].committed = place

    # Limits and the end

    def _throttle(self) -> None:
        """Take nothing more in while too much waits."""
        full = self._outbox.full
        if full != self._paused:
            assigned = self._consumer.assignment()
            (self._consumer.pause if full else self._consumer.resume)(assigned)
            self._paused = full

    def _finished(self) -> bool:
        if not (self._once and self._work):
            return False
        return all(
            not work.open and max(work.seen, work.next) >= self._ends[key] for key, work in self._work.items()
        )

    def _drain(self) -> None:
        """Deliver what was begun, commit it and leave the group, within a few seconds."""
        if self._model is not None:
            self._model.give_up()
            self._hear_model()
        until = time.monotonic() + _DRAIN_SECONDS
        while not self._outbox.idle and time.monotonic() < until:
            self._outbox.poll(0.05)
        self._commit(asynchronous=False)
        self._consumer.close()
