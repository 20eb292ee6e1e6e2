"""Dead letters: records that can't be used, kept on ``<topic>.dlq`` as they were, with the reason.

A letter has the key, value and headers of the record it was, and headers of our own that say why and
where from. Nothing of it comes from the clock or from the program that wrote it, so a replay of the
source topic writes the same letter again, and readers know the twin by topic, partition and offset.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

Headers = tuple[tuple[str, bytes | None], ...]

# What the names of our own headers begin with.
OURS: Final = "dspy."
_MAX_DETAIL: Final = 500
# What is kept of a value that the broker takes for too large.
_KEPT_BYTES: Final = 64 << 10


def without_ours(headers: Headers) -> Headers:
    """Return a record's headers without what an earlier death added."""
    return tuple((name, value) for name, value in headers if not name.startswith(OURS))


@dataclass(frozen=True, slots=True)
class Letter:
    """A record that can't be used.

    Args:
        topic: where it was read, with ``partition`` and ``offset``.
        time: the record's time, milliseconds since the epoch; -1 if it has none.
        headers: the record's own headers, ``without_ours``.
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
        said = ((OURS + name, str(value)) for name, value in ours.items() if value is not None)
        return *self.headers, *((name, text.encode("utf-8", "replace")) for name, text in said)

    def cut(self) -> Letter:
        """Return the letter with the beginning of its value only."""
        value = self.value or b""
        return replace(self, value=value[:_KEPT_BYTES], size=self.size or len(value))
