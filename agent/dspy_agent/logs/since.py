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

    Bisects, as lines follow each other in time. A place without times counts as from ``since`` on.

    Args:
        file: a log; its position moves.
        since: epoch seconds.
        low: look no further back.
        high: the end of the log.
        at: epoch seconds that complete dates without a year.
    """
    if low and not _is_before(file, low, since, at):
        return low, False
    while high - low > _CLOSE:
        middle = (low + high) // 2
        if _is_before(file, middle, since, at):
            low = middle
        else:
            high = middle
    return low, True


def _is_before(file: BinaryIO, offset: int, since: float, at: float) -> bool:
    """Return whether the first time at or after ``offset`` is before ``since``."""
    file.seek(offset)
    probe = io.BytesIO(file.read(_PROBE))
    if offset:
        skip_line(probe)
    for _, text in lines_of(probe):
        stamp = parse_line(text, at).stamp
        if stamp is not None:
            return stamp.epoch < since
    return False
