"""Cuts the bytes of a growing file into lines, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

# JSON makes at most six bytes of one: a line always fits into a record of 1 MiB.
MAX_LINE_BYTES: Final = 128 << 10


@dataclass(frozen=True, slots=True)
class Piece:
    """One line.

    Args:
        line: its bytes without its line end, at most the limit.
        end: where the next line begins in the file.
        cut: bytes of the line that were left out.
    """

    line: bytes
    end: int
    cut: int = 0

    @property
    def text(self) -> str:
        """The line; what is no UTF-8 becomes U+FFFD, and a cut is said."""
        line = self.line.lstrip(b"\0")  # a hole: the file was truncated under its writer
        if not self.cut:
            return line.decode("utf-8", "replace")
        return f"{line.decode('utf-8', 'replace').rstrip(chr(0xFFFD))} … [{self.cut} more bytes]"


class LineSplitter:
    """Takes chunks of bytes and gives lines; a line that has no end yet waits.

    Args:
        start: where in the file the first chunk begins.
        limit: most bytes of one line to keep.
    """

    def __init__(self, start: int = 0, limit: int = MAX_LINE_BYTES) -> None:
        self._limit = limit
        self._start = start  # of the line that has no end yet
        self._head = bytearray()
        self._size = 0  # bytes since the last line end
        self._flushed = 0  # of those, given away by ``flush``

    @property
    def waiting(self) -> int:
        """Bytes of the last line, which has no end yet."""
        return self._size - self._flushed

    def feed(self, chunk: bytes) -> Iterator[Piece]:
        """Yield the lines that end in ``chunk``."""
        *ended, rest = chunk.split(b"\n")
        for line in ended:
            if self._size or len(line) > self._limit:
                self._extend(line)
                self._size += 1
                yield from self._end()
            else:
                self._start += len(line) + 1
                yield Piece(line[:-1] if line.endswith(b"\r") else line, self._start)
        self._extend(rest)

    def skip(self, size: int) -> None:
        """Leave out bytes that lie before the next line."""
        self._start += size

    def flush(self) -> Piece | None:
        """Return what waits as a line; None if nothing does. What still comes of it is the next line."""
        if not self.waiting:
            return None
        piece = self._piece(self.waiting, self._start + self._size)
        self._head.clear()
        self._flushed = self._size
        return piece

    def _extend(self, part: bytes) -> None:
        self._head += part[: max(0, self._limit - len(self._head))]
        self._size += len(part)

    def _end(self) -> Iterator[Piece]:
        length, continued = self.waiting - 1, self._flushed > 0
        self._start += self._size
        if length or not continued:
            piece = self._piece(length, self._start)
            line = piece.line[:-1] if not piece.cut and piece.line.endswith(b"\r") else piece.line
            yield Piece(line, piece.end, piece.cut)
        self._head.clear()
        self._size = self._flushed = 0

    def _piece(self, length: int, end: int) -> Piece:
        line = bytes(self._head)
        return Piece(line, end, length - len(line))
