"""Cuts bytes into lines: bounded in length, each with the offset of its first byte."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final

from dspy_agent.streams.tail_lines import LineSplitter
from dspy_agent_core.logs.lines import MAX_LINE

CHUNK: Final = 1 << 18
_HOLE: Final = re.compile(rb"\0{64,}")


def lines_of(file: BinaryIO, offset: int = 0) -> Iterator[tuple[int, str]]:
    """Yield (offset, line) of ``file``, whose next byte is at ``offset``.

    Of a line over ``MAX_LINE`` bytes the rest is passed over; bytes that are no text become U+FFFD. A log
    that was cut while a program wrote to it begins with a hole of NULs: they are left out.
    """
    while raw := file.readline(MAX_LINE):
        start, offset = offset, offset + len(raw)
        if len(raw) == MAX_LINE and not raw.endswith(b"\n"):
            offset += skip_line(file)
        if b"\0" not in raw or (raw := raw.replace(b"\0", b"")):
            yield start, raw.decode("utf-8", "replace")


class OffsetLines:
    """Lines of bytes that come in pieces, each with the offset of its first byte.

    Args:
        offset: where the first piece begins.
    """

    def __init__(self, offset: int = 0) -> None:
        self._splitter = LineSplitter(offset, MAX_LINE)
        self._start = offset

    def feed(self, data: bytes) -> Iterator[tuple[int, str]]:
        """Yield the lines that end in ``data``."""
        for piece in self._splitter.feed(data):
            start, self._start = self._start, piece.end
            yield start, piece.text

    def rest(self) -> Iterator[tuple[int, str]]:
        """Yield the last line, which has no end yet."""
        if (piece := self._splitter.flush()) is not None:
            start, self._start = self._start, piece.end
            yield start, piece.text


def skip_line(file: BinaryIO) -> int:
    """Read to the end of the line; return how many bytes that were."""
    skipped = 0
    while piece := file.readline(CHUNK):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


def is_binary(sample: bytes | bytearray) -> bool:
    """Return whether ``sample`` has NULs other than a long run of them, which is a hole in a file."""
    return b"\0" in sample and b"\0" in _HOLE.sub(b"", sample)
