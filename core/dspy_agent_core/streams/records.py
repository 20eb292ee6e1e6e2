"""Reads a raw record: what both engines make of the same bytes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from dspy_agent_core.contracts.messages import RawLine, decode
from dspy_agent_core.streams.windows import RawRecord

_LAST_EPOCH: Final = 253_402_300_799  # the end of the year 9999, the last that a datetime can have


def read_record(offset: int, time: int, value: bytes | None) -> RawRecord:
    """Return the record of a raw topic at ``offset``; ``time`` is the broker's, epoch milliseconds.

    Raises:
        BadMessage: it can't be read; it belongs into the dead letters.
    """
    message = decode(RawLine, value)
    return RawRecord(offset, time, message.line, message.source or "", epoch(message.ts))


def epoch(ts: str | float | None) -> float | None:
    """Return ``ts`` in epoch seconds: ISO 8601 (without a zone: UTC) or a number; None if it is no time."""
    if isinstance(ts, str):
        try:
            moment = datetime.fromisoformat(ts)
        except ValueError:
            return None
        ts = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return ts if ts is not None and 0 <= ts <= _LAST_EPOCH else None
