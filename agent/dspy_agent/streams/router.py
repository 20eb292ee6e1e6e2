"""The router: reads contexts and results of the apps and keeps the recent ones for who asks.

It is a view, not a member of a group: at its start it reads the last records of each partition again, and
several routers show the same.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import dead_letters, kafka
from dspy_agent.streams.program import Program
from dspy_agent.streams.router_store import RouterStore
from dspy_agent_core.contracts.messages import BadMessage, Context, Result, decode
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Message
    from prometheus_client.core import Metric

NAME: Final = "stream-router"

_RECENT: Final = 200  # records of each partition that are read at the start
_LOOK_SECONDS: Final = 5.0
_LOOK_AGAIN_SECONDS: Final = 1.0  # while something is missing
_ANSWER_SECONDS: Final = 2.0
_LETTER_SECONDS: Final = 600

Place = tuple[str, int]


class Router:
    """One router. ``run`` is its loop; the rest may be asked from other threads meanwhile."""

    def __init__(self, settings: StreamSettings) -> None:
        self.store = RouterStore(settings.apps)
        self._settings = settings
        self._app_of = {settings.topics.ctx(app): app for app in settings.apps}
        self._app_of |= {settings.topics.results(app): app for app in settings.apps}
        self._assigned: set[Place] = set()
        self._unread: set[Place] = set()  # partitions whose end was not reached yet
        self._trouble: str | None = None
        self._lags: dict[str, int] = {}

    def trouble(self) -> str | None:
        """Return why nothing new comes, or None."""
        return self._trouble

    def lags(self) -> dict[str, int]:
        """Return for each app how many records were not read yet."""
        return dict(self._lags)

    def collect(self) -> Iterator[Metric]:
        """Yield the measurements, as a collector of prometheus_client does."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        states = [(app, self.store.state(app)) for app in self.store.apps]
        windows = CounterMetricFamily("dspy_agent_router_windows", "Contexts that came.", labels=["app"])
        lines = CounterMetricFamily("dspy_agent_router_lines", "Log lines in them.", labels=["app"])
        events = CounterMetricFamily("dspy_agent_router_events", "Events in them.", labels=["app"])
        lag = GaugeMetricFamily("dspy_agent_router_lag", "Records that were not read yet.", labels=["app"])
        for app, state in states:
            windows.add_metric([app], state.windows)
            lines.add_metric([app], state.lines)
            events.add_metric([app], state.events)
            lag.add_metric([app], self._lags.get(app, 0))
        yield from (windows, lines, events, lag)

    def run(self, program: Program) -> None:
        """Read until ``program`` should end. The view stays ready without a broker, once it is complete."""
        consumer = kafka.consumer(self._settings, NAME, {"enable.partition.eof": True, "log_level": 2})
        # Letters are written again at the next start: no order to keep, and not for ever.
        letters = kafka.producer(
            self._settings,
            {"enable.idempotence": False, "message.timeout.ms": _LETTER_SECONDS * 1000, "log_level": 2},
        )
        program.registry.register(self)
        look_at = 0.0
        try:
            while not program.stopping:
                program.tick()
                if time.monotonic() >= look_at:
                    complete = self._look(consumer, program)
                    look_at = time.monotonic() + (_LOOK_SECONDS if complete else _LOOK_AGAIN_SECONDS)
                if not self._assigned:
                    program.wait(0.1)
                    continue
                for record in consumer.consume(500, timeout=0.1):
                    self._take(record, letters, program)
                letters.poll(0)
                if not self._unread and program.health.ready():
                    program.say("the recent records of all partitions were read")
        finally:
            consumer.close()
            letters.flush(_ANSWER_SECONDS)

    def _look(self, consumer: Any, program: Program) -> bool:
        """Take up the partitions that are there; return whether each topic is."""
        from confluent_kafka import KafkaException

        try:
            there = self._partitions(consumer)
            self._leave(consumer, self._assigned - there)
            self._take_up(consumer, there - self._assigned)
            self._lags = self._measure_lags(consumer)
        except KafkaException as error:
            at = f"no Kafka broker answers at {self._settings.bootstrap}: {error.args[0].str()}"
            self._in_trouble(program, "BrokerUnreachable", at)
            return False
        missing = sorted(set(self._app_of) - {topic for topic, _ in there})
        if missing:
            self._in_trouble(program, "TopicMissing", f"there is no topic {missing[0]} yet")
        elif self._trouble is not None:
            self._trouble = None
            program.say("the broker answers, and all topics are there")
        return not missing

    def _in_trouble(self, program: Program, code: str, trouble: str) -> None:
        if self._trouble != trouble:
            program.report(code, trouble)
        self._trouble = trouble
        if not self._assigned:
            program.health.unready("start", trouble)

    def _partitions(self, consumer: Any) -> set[Place]:
        found = consumer.list_topics(timeout=_ANSWER_SECONDS).topics
        return {
            (topic, partition)
            for topic in self._app_of
            if topic in found and found[topic].error is None
            for partition in found[topic].partitions
        }

    def _take_up(self, consumer: Any, new: set[Place]) -> None:
        from confluent_kafka import TopicPartition

        starts = []
        for topic, partition in sorted(new):
            place = TopicPartition(topic, partition)
            low, high = consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
            starts.append(TopicPartition(topic, partition, max(low, high - _RECENT)))
        if starts:
            consumer.incremental_assign(starts)
            self._assigned |= new
            self._unread |= new

    def _leave(self, consumer: Any, gone: set[Place]) -> None:
        """Forget partitions of topics that were deleted: made anew, they are read from their start."""
        from confluent_kafka import TopicPartition

        if gone:
            consumer.incremental_unassign([TopicPartition(*place) for place in gone])
            self._assigned -= gone
            self._unread -= gone

    def _measure_lags(self, consumer: Any) -> dict[str, int]:
        from confluent_kafka import TopicPartition

        lags = dict.fromkeys(self.store.apps, 0)
        for place in consumer.position([TopicPartition(*place) for place in self._assigned]):
            _, high = consumer.get_watermark_offsets(place, cached=True)
            if place.offset >= 0:
                lags[self._app_of[place.topic]] += max(0, high - place.offset)
        return lags

    def _take(self, record: Message, letters: Any, program: Program) -> None:
        from confluent_kafka import KafkaError

        topic = record.topic() or ""
        if (error := record.error()) is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                self._unread.discard((topic, record.partition() or 0))
            return
        app, value = self._app_of[topic], record.value()
        try:
            message = decode(Context if topic == self._settings.topics.ctx(app) else Result, value)
            if not isinstance(message, Context | Result) or message.app != app:
                raise BadMessage("BadField", f"app: it is not {app}, whose topic this is")
        except BadMessage as wrong:
            self._refuse(record, wrong, letters, program)
            return
        if isinstance(message, Context):
            self.store.add_context(message, value or b"")
        else:
            self.store.add_result(message, value or b"")

    def _refuse(self, record: Message, wrong: BadMessage, letters: Any, program: Program) -> None:
        def delivered(error: Any) -> None:
            if error is not None:
                program.report("DeadLetterLost", f"{topic}.dlq takes no record: {error.str()}")

        topic = record.topic()
        letter = dead_letters.letter_of(record, wrong.reason, str(wrong))
        program.report("DeadLetter", f"a record of {topic} can't be used: {wrong.reason}")
        while not program.stopping:
            try:
                dead_letters.send(letters, letter, delivered)
                return
            except BufferError:
                program.tick()
                letters.poll(0.1)
