"""Finds where in a large log a time begins, without reading what is before it."""

from __future__ import annotations

import io
from typing import BinaryIO, Final

from dspy_agent.logs.lines import lines_of, skip_line
from dspy_agent_core.logs.lines import parse_line

_PROBE: Final = 1 << 16
_CLOSE: Final = 1 << 18  # so much more is read: lines are not in exact order


def offset_of(file: BinaryIO, since: float, low: int, high: int, at: float) -> tuple[int, bool]:
    """Return an offset in ``low..high``, a little before the first line from ``since`` on.

    The second value is whether all that lies before that offset is older.

    Bisects, as lines follow each other in time. A part without times counts as not older; a hole, which
    truncation leaves at the start of a log that is being written, as older.

    Args:
        file: a log; its position moves.
        since: epoch seconds.
        low: look no further back.
        high: the end of the log.
        at: epoch seconds that complete dates without a year.
    """
    complete = low == 0
    if low and (found := _older(file, low, since, at)) is not None:
        if not found:
            return low, False
        complete = True
    while high - low > _CLOSE:
        middle = (low + high) // 2
        older = _older(file, middle, since, at)
        complete = complete or older is True
        low, high = (low, middle) if older is False else (middle, high)
    return low, complete


def _older(file: BinaryIO, offset: int, since: float, at: float) -> bool | None:
    """Return whether the first time after ``offset`` is before ``since``; None in a hole."""
    file.seek(offset)
    data = file.read(_PROBE)
    if data and not data.strip(b"\0"):
        return None
    probe = io.BytesIO(data)
    if offset:
        skip_line(probe)
    for _, text in lines_of(probe):
        stamp = parse_line(text, at).stamp
        if stamp is not None:
            return stamp.epoch < since
    return False
