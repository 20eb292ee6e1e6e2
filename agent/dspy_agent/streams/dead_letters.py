"""Dead letters: records that can't be used, kept on ``<topic>.dlq`` as they were, with the reason.

A letter has the key, value and headers of the record it was, and headers of our own that say why and
where from. Nothing of it comes from the clock or from the program that wrote it, so a replay of the
source topic writes the same letter again, and readers know the twin by topic, partition and offset.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.contracts import topics

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer

Headers = tuple[tuple[str, bytes | None], ...]

_OURS: Final = "dspy."
_MAX_DETAIL: Final = 500
# What is kept of a value that the broker takes for too large.
_KEPT_BYTES: Final = 64 << 10
_TOO_LARGE: Final = 10  # MESSAGE_TOO_LARGE of the protocol and MSG_SIZE_TOO_LARGE of librdkafka


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that can't be used.

    Args:
        topic: where it was read, with ``partition`` and ``offset``.
        time: the record's time, milliseconds since the epoch; -1 if it has none.
        headers: the record's own headers.
        reason: CamelCase, such as the ``reason`` of ``BadMessage``.
        detail: one line for people.
        size: bytes of the value, where only its beginning could be kept.
    """

    topic: str
    partition: int
    offset: int
    time: int
    key: bytes | None
    value: bytes | None
    headers: Headers
    reason: str
    detail: str
    size: int | None = None

    @property
    def id(self) -> tuple[str, int, int]:
        """What twins share."""
        return self.topic, self.partition, self.offset

    def all_headers(self) -> Headers:
        """Return the record's own headers and ours behind them."""
        ours = {
            "reason": self.reason,
            "detail": self.detail[:_MAX_DETAIL],
            "topic": self.topic,
            "partition": self.partition,
            "offset": self.offset,
            "time": self.time,
            "size": self.size,
        }
        said = ((_OURS + name, str(value)) for name, value in ours.items() if value is not None)
        return *self.headers, *((name, text.encode("utf-8", "replace")) for name, text in said)

    def cut(self) -> Letter:
        """Return the letter with the beginning of its value only."""
        value = self.value or b""
        return replace(self, value=value[:_KEPT_BYTES], size=self.size or len(value))


def letter_of(record: Message, reason: str, detail: str) -> Letter:
    """Return the letter for ``record``, which can't be used for ``reason``."""
    return Letter(
        topic=record.topic() or "",
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        time=record.timestamp()[1],
        key=_bytes(record.key()),
        value=_bytes(record.value()),
        headers=tuple((name, value) for name, value in _headers(record) if not name.startswith(_OURS)),
        reason=reason,
        detail=detail,
    )


def read_letter(record: Message) -> Letter | None:
    """Return the letter in a record of a ``.dlq`` topic; None if nobody of us has written it."""
    headers = _headers(record)
    ours = {
        name.removeprefix(_OURS): (value or b"").decode("utf-8", "replace")
        for name, value in headers
        if name.startswith(_OURS)
    }
    try:
        return Letter(
            topic=ours["topic"],
            partition=int(ours["partition"]),
            offset=int(ours["offset"]),
            time=int(ours["time"]),
            key=_bytes(record.key()),
            value=_bytes(record.value()),
            headers=tuple((name, value) for name, value in headers if not name.startswith(_OURS)),
            reason=ours["reason"],
            detail=ours["detail"],
            size=int(ours["size"]) if "size" in ours else None,
        )
    except (KeyError, ValueError):
        return None


def send(producer: Producer, letter: Letter, delivered: Callable[[Any], None]) -> None:
    """Write ``letter``; ``delivered`` is called once, from ``poll``, with None or the last KafkaError.

    Where the broker takes it for too large, its beginning is written instead.

    Raises:
        BufferError: the producer's queue is full.
    """

    def done(error: Any, _: Any) -> None:
        if error is not None and error.code() == _TOO_LARGE and letter.size is None:
            send(producer, letter.cut(), delivered)
        else:
            delivered(error)

    from confluent_kafka import KafkaException

    try:
        producer.produce(
            topics.dead_letters(letter.topic),
            value=letter.value,
            key=letter.key,
            headers=list(letter.all_headers()),
            on_delivery=done,
        )
    except KafkaException as error:
        if error.args[0].code() != _TOO_LARGE or letter.size is not None:
            raise
        send(producer, letter.cut(), delivered)


def _headers(record: Message) -> Headers:
    pairs: Any = record.headers() or ()
    return tuple((name, _bytes(value)) for name, value in pairs)


def _bytes(value: Any) -> bytes | None:
    return value.encode() if isinstance(value, str) else value
