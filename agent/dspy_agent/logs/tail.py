"""Reads what programs append to files, through rotation, truncation and being made anew."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Final

from dspy_agent.logs.find import rotated_from
from dspy_agent.logs.lines import OffsetLines, is_binary
from dspy_agent.logs.packed import foreign_packing, packing
from dspy_agent.workspace.files import open_regular

Numbered = tuple[int, str]

_AT_ONCE: Final = 4 << 20
_MARK: Final = 64  # bytes before the position: others there mean that the file was written anew
_SILENT_SECONDS: Final = 1.0  # a line without an end is taken for whole after that
_LAST_WRITES_SECONDS: Final = 10.0  # a program goes on with a file that was rotated away
_LOOK_SECONDS: Final = 1.0
_LOOK_SHARE: Final = 20  # looking for new files takes no more than one part in so many of the time


class _Reading:
    """One open file and how far it was read."""

    def __init__(self, file: BinaryIO, offset: int) -> None:
        self._file = file
        self._offset = offset
        self._lines = OffsetLines(offset)
        self._seen: tuple[int, int] | None = None
        self._mark = os.pread(file.fileno(), min(_MARK, offset), offset - min(_MARK, offset))
        self.changed = time.monotonic()
        self.inode = _inode(os.fstat(file.fileno()))

    def more(self) -> Iterator[Numbered]:
        """Yield the lines that were completed since."""
        status = os.fstat(self._file.fileno())
        state = (status.st_size, status.st_mtime_ns)
        if state == self._seen:
            if time.monotonic() - self.changed > _SILENT_SECONDS:
                yield from self.rest()
            return
        if self._is_anew(status.st_size):
            yield from self.rest()
            self._offset = self._past_hole()
            self._mark, self._lines = b"", OffsetLines(self._offset)
        data = os.pread(self._file.fileno(), _AT_ONCE, self._offset)
        if len(data) < _AT_ONCE:
            self._seen = state
        if data:
            self.changed = time.monotonic()
            self._mark = (self._mark + data)[-_MARK:]
            self._offset += len(data)
            yield from self._lines.feed(data)

    def rest(self) -> Iterator[Numbered]:
        """Yield the last line, which has no end."""
        return self._lines.rest()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _past_hole(self) -> int:
        """Return where the data begins: a program may go on at its old place in a file that was cut."""
        try:
            return os.lseek(self._file.fileno(), 0, os.SEEK_DATA)
        except OSError:  # there is no data, or the file system can't tell
            return 0

    def _is_anew(self, size: int) -> bool:
        before = self._offset - len(self._mark)
        return size < self._offset or os.pread(self._file.fileno(), len(self._mark), before) != self._mark


class Tail:
    """A file by its name, whichever file that is just now.

    Args:
        path: it need not be there yet.
        offset: begin here, if it is still the file ``inode``; else at its start.
        inode: device and number of the file.
    """

    def __init__(self, path: Path, offset: int = 0, inode: tuple[int, int] | None = None) -> None:
        self._path = path
        self._reading: _Reading | None = None
        self._old: list[_Reading] = []
        self._open(offset, inode)

    def poll(self) -> Iterator[Numbered]:
        """Yield (offset, line) of the lines that have come."""
        try:
            now = _inode(self._path.stat())
        except OSError:
            now = None
        for old in list(self._old):
            yield from old.more()
            if time.monotonic() - old.changed > _LAST_WRITES_SECONDS:
                yield from old.rest()
                old.close()
                self._old.remove(old)
        if self._reading is not None:
            yield from self._reading.more()
            if now is not None and now != self._reading.inode:
                self._old.append(self._reading)
                self._reading = None
        if self._reading is None and now is not None:
            self._open(0, None)
            if self._reading is not None:
                yield from self._reading.more()

    def close(self) -> None:
        """Close all files."""
        for reading in (*self._old, *([self._reading] if self._reading else [])):
            reading.close()

    def _open(self, offset: int, inode: tuple[int, int] | None) -> None:
        with suppress(OSError, ValueError):
            file = open_regular(self._path)
            head = os.pread(file.fileno(), 8192, 0)
            if packing(head) or foreign_packing(head) or is_binary(head):
                file.close()
                return
            same = inode is None or inode == _inode(os.fstat(file.fileno()))
            self._reading = _Reading(file, offset if same else 0)


@dataclass(slots=True)
class Tails:
    """The tails of all logs that there are, and of those that come.

    Args:
        look: finds the logs.
        ends: of files that were read: inode, and the offset where reading ended.
    """

    look: Callable[[], Iterable[Path]]
    ends: dict[Path, tuple[tuple[int, int], int]]
    _tails: dict[Path, Tail] = field(default_factory=dict)
    _next_look: float = 0.0

    def begin(self) -> None:
        """Take up the logs of now: from where they were read to, the others from their ends."""
        for path in self.look():
            if path in self.ends:
                inode, offset = self.ends[path]
                self._tails[path] = Tail(path, offset, inode)
            elif rotated_from(path) is None:
                with suppress(OSError):
                    status = path.stat()
                    self._tails[path] = Tail(path, status.st_size, _inode(status))

    def poll(self) -> Iterator[tuple[Path, int, str]]:
        """Yield (file, offset, line) of the lines that have come."""
        if time.monotonic() >= self._next_look:
            self._look_again()
        for path, tail in self._tails.items():
            with suppress(OSError):
                for offset, text in tail.poll():
                    yield path, offset, text

    def close(self) -> None:
        """Close all files."""
        for tail in self._tails.values():
            tail.close()

    def _look_again(self) -> None:
        started = time.monotonic()
        for path in self.look():
            if path not in self._tails and rotated_from(path) not in self._tails:
                self._tails[path] = Tail(path)
        now = time.monotonic()
        self._next_look = now + max(_LOOK_SECONDS, _LOOK_SHARE * (now - started))


def _inode(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
