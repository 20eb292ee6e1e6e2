"""Reads the lines of a log file from its end, plain or packed, in bounded memory."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from dspy_agent.logs.lines import CHUNK, is_binary, lines_of, skip_line
from dspy_agent.logs.packed import Unpacked, foreign_packing, packing
from dspy_agent.logs.since import offset_of
from dspy_agent.workspace.files import BOMS_UTF16, open_regular
from dspy_agent_core.logs.lines import MAX_LINE

_SAMPLE: Final = 8192
_PACKED_TAIL: Final = 16 << 20  # of an unpacked text the end is kept in memory


class NotALog(Exception):
    """The file can't be read as a log; the message says why."""


class LogFile:
    """The end of one log file.

    Args:
        path: a regular file; a packed one is recognised by its content.
        limit: read at most this many bytes from the end (of the text, if it is packed). None: all.
        since: read only from about this time on (epoch seconds), where the file can be searched.
        whole: a last line without an end is left to be read later.
        tell: is told, while it is read, how many bytes were read, and of how many.

    Attributes:
        modified: the file's time, epoch seconds.
        size: bytes up to which it is read: what was there when it was opened.
        inode: device and number of the file.
        skipped: bytes before the part that is read; known once ``lines`` has begun.
        is_older: whether what is skipped is older than ``since``.
        damaged: why its end could not be unpacked.

    Raises:
        NotALog: if it is binary, not a regular file, or can't be opened.
    """

    def __init__(
        self,
        path: Path,
        limit: int | None,
        since: float | None = None,
        whole: bool = False,
        tell: Callable[[int, int], None] | None = None,
    ) -> None:
        self.skipped = 0
        self.is_older = False
        self.damaged = ""
        self._limit, self._since, self._tell = limit, since, tell
        try:
            self._file: BinaryIO = open_regular(path)
        except (OSError, ValueError) as error:
            raise NotALog(getattr(error, "strerror", None) or str(error)) from None
        try:
            status = os.fstat(self._file.fileno())
            self.modified, self.size = status.st_mtime, status.st_size
            self.inode = (status.st_dev, status.st_ino)
            head, tail = self._ends()
            self.size -= self._unfinished() if whole else 0
        except OSError as error:
            self._file.close()
            raise NotALog(error.strerror or str(error)) from None
        self.packing = packing(head)
        self.encoding = BOMS_UTF16.get(head[:2], "utf-8")
        if self.packing or self.encoding != "utf-8":
            return
        if why := foreign_packing(head) or ("binary" if is_binary(head + tail) else None):
            self._file.close()
            raise NotALog(why)

    @property
    def is_plain(self) -> bool:
        """Whether its bytes are its text: it can be searched and followed."""
        return not self.packing and self.encoding == "utf-8"

    def lines(self) -> Iterator[tuple[int, str]]:
        """Yield (offset, line), oldest first, and close the file."""
        with self._file:
            if self.encoding != "utf-8":
                yield from self._wide()
            elif self.packing:
                yield from self._unpacked(self.packing)
            else:
                yield from self._plain()

    def _ends(self) -> tuple[bytes, bytes]:
        head = self._file.read(_SAMPLE)
        self._file.seek(max(0, self.size - _SAMPLE))
        return head, self._file.read(_SAMPLE)

    def _unfinished(self) -> int:
        """Return how many bytes the last line has, if it has no end yet."""
        self._file.seek(max(0, self.size - MAX_LINE))
        tail = self._file.read(MAX_LINE)
        return len(tail) - tail.rfind(b"\n") - 1 if b"\n" in tail or len(tail) < MAX_LINE else 0

    def _plain(self) -> Iterator[tuple[int, str]]:
        start = 0 if self._limit is None else max(0, self.size - self._limit)
        if self._since is not None:
            start, self.is_older = offset_of(self._file, self._since, start, self.size, self.modified)
        yield from lines_of(*self._from(start))

    def _from(self, start: int) -> tuple[BinaryIO, int]:
        """Return the file from the first line after ``start`` up to what it was when opened."""
        self._file.seek(start)
        buffered = io.BufferedReader(_UpTo(self._file, self.size - start, self._tell), CHUNK)
        if start:
            self.skipped = start + skip_line(buffered)
        return buffered, self.skipped

    def _unpacked(self, kind: str) -> Iterator[tuple[int, str]]:
        """Unpack to the end, keeping the last bytes; a damaged end keeps what came before."""
        self._file.seek(0)
        raw = Unpacked(self._file, kind, bounded=self._limit is not None)
        text = io.BufferedReader(raw, CHUNK)
        kept: BinaryIO = text if self._limit is None else self._tail(text, min(self._limit, _PACKED_TAIL))
        yield from lines_of(kept, self.skipped)
        self.damaged = raw.trouble

    def _tail(self, text: BinaryIO, limit: int) -> BinaryIO:
        kept = bytearray()
        while chunk := text.read(CHUNK):
            kept += chunk
            if len(kept) > 2 * limit:
                self.skipped += len(kept) - limit
                del kept[:-limit]
        if len(kept) > limit:
            self.skipped += len(kept) - limit
            del kept[:-limit]
        if is_binary(kept[-_SAMPLE:]):
            raise NotALog("binary")
        tail = io.BytesIO(kept)
        if self.skipped:
            self.skipped += skip_line(tail)
        return tail

    def _wide(self) -> Iterator[tuple[int, str]]:
        start = 2 if self._limit is None else max(2, (self.size - self._limit) & ~1)
        self._file.seek(start)
        raw = io.BufferedReader(_UpTo(self._file, self.size - start), CHUNK)
        text = io.TextIOWrapper(raw, encoding=self.encoding, errors="replace", newline="")
        offset = start
        if start > 2:
            offset += 2 * len(text.readline(MAX_LINE))
            self.skipped = offset
        while line := text.readline(MAX_LINE):
            yield offset, line
            offset += len(line.encode(self.encoding, "surrogatepass"))


class _UpTo(io.RawIOBase):
    """The next ``size`` bytes of a file: what a program writes meanwhile is not read."""

    def __init__(self, file: BinaryIO, size: int, tell: Callable[[int, int], None] | None = None) -> None:
        self._file, self._left = file, size
        self._size, self._tell = size, tell

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._file.read(min(len(buffer), self._left))
        buffer[: len(data)] = data
        self._left -= len(data)
        if self._tell is not None:
            self._tell(self._size - self._left, self._size)
        return len(data)
