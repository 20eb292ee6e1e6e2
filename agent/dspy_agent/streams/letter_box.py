"""Reads the dead letters of a cluster, and sends them back to where they came from, once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from dspy_agent.streams import kafka
from dspy_agent.streams.dead_letters import read_letter
from dspy_agent.streams.replay_progress import MAX_METADATA, Progress
from dspy_agent_core.contracts.dead_letters import Letter
from dspy_agent_core.contracts.topics import dead_letters
from dspy_agent_core.errors import ClusterError, UsageError
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Consumer

_SUFFIX: Final = dead_letters("")
_ANSWER_SECONDS: Final = 10.0
_READ_SECONDS: Final = 30.0
_BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Kept:
    """A record of a ``.dlq`` topic.

    Args:
        letter: None if nobody of us wrote it.
        replayed: it was sent back before.
        first: the offset of its first twin, if that is another record.
    """

    topic: str
    partition: int
    offset: int
    letter: Letter | None
    replayed: bool
    first: int | None = None

    @property
    def reason(self) -> str:
        """Why it is there."""
        return self.letter.reason if self.letter else "Unknown"

    @property
    def hindrance(self) -> str | None:
        """Return why it can't be sent back, if so."""
        if self.letter is None:
            return "its headers do not say where it came from"
        if self.letter.size is not None:
            return f"only the beginning of its {self.letter.size} bytes was kept"
        return None


@dataclass(slots=True)
class Replayed:
    """What a replay did: records sent back by dead-letter topic, and those that could not be."""

    sent: dict[str, int] = field(default_factory=dict)
    left: list[Kept] = field(default_factory=list)


class LetterBox:
    """The dead letters of one workspace's topics. Use as a context manager."""

    def __init__(self, settings: StreamSettings) -> None:
        kafka.check_reachable(settings, _ANSWER_SECONDS)
        self._settings = settings
        group = f"{settings.topics.prefix}dspy-agent.dlq"
        quiet = {"log_level": 2, "enable.partition.eof": True}
        self._consumer: Consumer = kafka.consumer(settings, group, quiet)

    def __enter__(self) -> LetterBox:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from confluent_kafka import KafkaException

        self._consumer.close()
        if isinstance(error, KafkaException):
            raise kafka.cluster_error(error.args[0], self._settings.bootstrap) from None

    def topics(self, named: str | None = None) -> list[str]:
        """Return the dead-letter topics of the workspace and its apps, or the one that is named.

        Raises:
            UsageError: there is none of that name.
        """
        prefix, apps = self._settings.topics.prefix, self._settings.apps
        found = [
            topic
            for topic in sorted(self._consumer.list_topics(timeout=_ANSWER_SECONDS).topics)
            if topic.startswith(prefix) and topic.endswith(_SUFFIX)
        ]
        if apps:
            source = self._settings.topics.app_of
            found = [topic for topic in found if source(topic.removesuffix(_SUFFIX)) in apps]
        if named is None:
            return found
        names = (named, dead_letters(named), prefix + named, prefix + dead_letters(named))
        chosen = [topic for topic in found if topic in names]
        if not chosen:
            raise UsageError(
                f"There are no dead letters of {named}.",
                code="NoSuchTopic",
                next="See which there are: dspy-agent stream dlq list",
            )
        return chosen

    def letters(self, topic: str, *, twins: bool = False) -> Iterator[Kept]:
        """Yield the records of ``topic`` as it is now; without ``twins`` only the first of like ones."""
        for partition in self._partitions(topic):
            progress = self._progress(topic, partition)
            known: dict[tuple[str, int, int], int] = {}
            for record in self._records(topic, partition):
                letter = read_letter(record)
                offset = record.offset() or 0
                first = known.setdefault(letter.id, offset) if letter else offset
                if first == offset:
                    yield Kept(topic, partition, offset, letter, offset in progress)
                elif twins:
                    yield Kept(topic, partition, offset, letter, offset in progress, first)

    def replay(self, topic: str, chosen: Callable[[Kept], bool], done: Replayed) -> None:
        """Send back the letters of ``topic`` that are ``chosen`` and were not sent back before.

        Raises:
            ClusterError: a record can't be delivered; what was before is noted.
        """
        batch: list[Kept] = []
        gone: set[tuple[int, int]] = set()
        for kept in self.letters(topic, twins=True):
            is_twin = kept.first is not None and (kept.partition, kept.first) in gone
            if kept.replayed or is_twin or (kept.first is None and chosen(kept) and not kept.hindrance):
                gone.add((kept.partition, kept.offset))
                batch += [] if kept.replayed else [kept]
            elif kept.first is None and chosen(kept):
                done.left.append(kept)
            if len(batch) >= _BATCH:
                self._send_back(batch, done)
                batch = []
        self._send_back(batch, done)

    def _send_back(self, batch: list[Kept], done: Replayed) -> None:
        """Deliver ``batch``, but for twins, and note it."""
        offsets: dict[tuple[str, int], list[int]] = {}
        for kept in batch:
            offsets.setdefault((kept.topic, kept.partition), []).append(kept.offset)
        noted = []
        for (topic, partition), numbers in offsets.items():
            progress = self._progress(topic, partition)
            progress.add(numbers)
            if len(progress.metadata) > MAX_METADATA:
                raise ClusterError(
                    f"Too many single letters of {topic} were sent back to remember each.",
                    code="TooScattered",
                    next="Replay without --reason and --offset.",
                )
            noted.append((topic, partition, progress))
        letters = [kept for kept in batch if kept.first is None]
        if letters:
            self._deliver(letters)
            topic = letters[0].topic
            done.sent[topic] = done.sent.get(topic, 0) + len(letters)
        if noted:
            self._note(noted)

    def _deliver(self, batch: list[Kept]) -> None:
        errors: list[Any] = []
        limit = {"message.timeout.ms": int(_READ_SECONDS * 1000), "log_level": 2}
        producer = kafka.producer(self._settings, limit)
        for kept in batch:
            assert kept.letter is not None  # noqa: S101  those have a hindrance
            producer.produce(
                kept.letter.topic,
                value=kept.letter.value,
                key=kept.letter.key,
                headers=list(kept.letter.headers),
                partition=kept.letter.partition,
                on_delivery=lambda error, _: errors.append(error) if error is not None else None,
            )
        left = producer.flush(_READ_SECONDS + 5)
        if errors or left:
            why = errors[0].str().rstrip(".") if errors else "the broker does not answer"
            raise ClusterError(
                f"{len(errors) + left} letters of {batch[0].topic} can't be sent back: {why}.",
                code="NotDelivered",
                next="Mend that and replay again; some may then come twice.",
            )

    def _note(self, places: list[tuple[str, int, Progress]]) -> None:
        from confluent_kafka import KafkaException, TopicPartition

        offsets = [
            TopicPartition(topic, partition, progress.offset, metadata=progress.metadata)
            for topic, partition, progress in places
        ]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise ClusterError(
                f"The letters were sent back, but that can't be noted: {error.args[0].str()}.",
                code="NotNoted",
                next="Do not replay again before that is mended: they would come twice.",
            ) from None

    def _partitions(self, topic: str) -> list[int]:
        return sorted(self._consumer.list_topics(topic, timeout=_ANSWER_SECONDS).topics[topic].partitions)

    def _progress(self, topic: str, partition: int) -> Progress:
        from confluent_kafka import TopicPartition

        (place,) = self._consumer.committed([TopicPartition(topic, partition)], timeout=_ANSWER_SECONDS)
        return Progress(max(place.offset, 0), place.metadata or "" if place.offset >= 0 else "")

    def _records(self, topic: str, partition: int) -> Iterator[Any]:
        """Yield the records of a partition up to its end as it is now."""
        from confluent_kafka import KafkaError, TopicPartition

        place = TopicPartition(topic, partition)
        low, high = self._consumer.get_watermark_offsets(place, timeout=_ANSWER_SECONDS)
        if low >= high:
            return
        place.offset = low
        self._consumer.assign([place])
        until = time.monotonic() + _READ_SECONDS
        while True:
            record = self._consumer.poll(0.5)
            if record is None and time.monotonic() > until:
                raise ClusterError(
                    f"{topic} can't be read: the broker stopped answering.",
                    code="BrokerUnreachable",
                    next="Try again once it is back.",
                )
            if record is None:
                continue
            until = time.monotonic() + _READ_SECONDS
            error = record.error()
            if error is None and (record.offset() or 0) < high:
                yield record
            if (error is not None and error.code() == KafkaError._PARTITION_EOF) or (
                error is None and (record.offset() or 0) >= high - 1
            ):
                return
