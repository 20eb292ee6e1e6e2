"""Dead letters in the client's words: from a record that was read, to a record that is written, and back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.contracts import topics
from dspy_agent_core.contracts.dead_letters import OURS, Headers, Letter, without_ours

if TYPE_CHECKING:
    from confluent_kafka import Message, Producer

_TOO_LARGE: Final = 10  # MESSAGE_TOO_LARGE of the protocol and MSG_SIZE_TOO_LARGE of librdkafka


def letter_of(record: Message, reason: str, detail: str) -> Letter:
    """Return the letter for ``record``, which can't be used for ``reason``."""
    return Letter(
        topic=record.topic() or "",
        partition=record.partition() or 0,
        offset=record.offset() or 0,
        time=record.timestamp()[1],
        key=_bytes(record.key()),
        value=_bytes(record.value()),
        headers=without_ours(_headers(record)),
        reason=reason,
        detail=detail,
    )


def read_letter(record: Message) -> Letter | None:
    """Return the letter in a record of a ``.dlq`` topic; None if nobody of us has written it."""
    headers = _headers(record)
    ours = {
        name.removeprefix(OURS): (value or b"").decode("utf-8", "replace")
        for name, value in headers
        if name.startswith(OURS)
    }
    try:
        return Letter(
            topic=ours["topic"],
            partition=int(ours["partition"]),
            offset=int(ours["offset"]),
            time=int(ours["time"]),
            key=_bytes(record.key()),
            value=_bytes(record.value()),
            headers=without_ours(headers),
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
