"""Follows one file as it grows, is truncated, renamed and removed."""

from __future__ import annotations

import errno
import os
from collections import deque
from collections.abc import Callable
from typing import BinaryIO, Final

from dspy_agent.streams.tail_lines import LineSplitter, Piece
from dspy_agent.streams.tail_ship import Item
from dspy_agent.streams.tail_state import HEAD_BYTES, Place, fingerprint

Ship = Callable[[Piece, str, float, int], Item]

CHUNK_BYTES: Final = 256 << 10
# A line without its end waits so long for it.
PARTIAL_SECONDS: Final = 1.0
_ACTIVE_SECONDS: Final = 10.0
_SOON, _LATER = 0.02, 0.1


class Follower:
    """One open file.

    Args:
        path: its first name; ``source`` is what its lines come from.
        file: open for reading, without a buffer.
        offset: where to begin.
        now: seconds, monotonic.

    Attributes:
        at: its name now.
        committed: all before this offset was delivered.
        at_end: the last look found nothing new.
        gone_since: when its path became another file's or nobody's; None if it is still there.
        after: the file that was at this path before; it is read to its end first.
        next_look: when to look again.
    """

    def __init__(self, path: str, source: str, file: BinaryIO, offset: int, now: float) -> None:
        self.path = self.at = path
        self.source = source
        self.committed = offset
        self.at_end = False
        self.gone_since: float | None = None
        self.after: Follower | None = None
        self.next_look = now
        self._file = file
        self._fd = file.fileno()
        self._position = offset
        self._generation = 0
        self._splitter = LineSplitter(offset)
        self._pending: deque[Item] = deque()
        self._grew = now
        self._stamp = (-1, -1)
        stat = os.fstat(self._fd)
        self.key = (stat.st_dev, stat.st_ino)
        self._head = os.pread(self._fd, HEAD_BYTES, 0)

    @property
    def unread(self) -> int:
        """Bytes that are not read yet."""
        return max(0, os.fstat(self._fd).st_size - self._position)

    def place(self, seen: float) -> Place:
        """Return how far the file was delivered."""
        return Place(
            self.path, self.key[1], fingerprint(self._head), len(self._head), self.committed, round(seen, 3)
        )

    def read(self, ship: Ship, now: float, *, last: bool = False) -> int:
        """Ship what is new, at most a chunk of it; return how many bytes that was.

        ``last``: nobody waits for the end of a line that has none.
        """
        stat = os.fstat(self._fd)
        changed = (stat.st_size, stat.st_mtime_ns) != self._stamp
        self._stamp = (stat.st_size, stat.st_mtime_ns)
        ts = round(stat.st_mtime, 3)
        if changed and self._was_replaced(stat.st_size):
            self._begin_again(ship, ts)
        chunk = os.pread(self._fd, CHUNK_BYTES, self._position)
        if chunk[:1] == b"\0" and not self._splitter.waiting:
            chunk = self._past_hole(chunk)
        for piece in self._splitter.feed(chunk):
            self._pending.append(ship(piece, self.source, ts, self._generation))
        self._position += len(chunk)
        self.at_end = not chunk
        if chunk:
            self._grew = now
        elif self._splitter.waiting and (last or now - self._grew >= PARTIAL_SECONDS):
            self._ship_rest(ship, ts)
        self.next_look = now + (_SOON if now - self._grew < _ACTIVE_SECONDS else _LATER)
        return len(chunk)

    def settle(self) -> bool:
        """Take note of what was delivered; return whether ``committed`` moved."""
        before = self.committed
        while self._pending and self._pending[0].delivered:
            item = self._pending.popleft()
            if item.generation == self._generation:
                self.committed = item.end
        return self.committed != before

    def is_finished(self, now: float, linger: float) -> bool:
        """Whether the file is gone, read, delivered, and nobody wrote to it for ``linger`` seconds."""
        silent = self.gone_since is not None and now - max(self.gone_since, self._grew) >= linger
        return silent and self.at_end and not self._pending and not self._splitter.waiting

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _was_replaced(self, size: int) -> bool:
        """Whether the file was truncated (and perhaps written anew) since the last look."""
        if size < self._position:
            return True
        head = os.pread(self._fd, HEAD_BYTES, 0)
        if not head.startswith(self._head):
            return True
        self._head = head
        return False

    def _begin_again(self, ship: Ship, ts: float) -> None:
        self._ship_rest(ship, ts)
        self._generation += 1
        self._position = self.committed = 0
        self._splitter = LineSplitter()
        self._head = os.pread(self._fd, HEAD_BYTES, 0)

    def _ship_rest(self, ship: Ship, ts: float) -> None:
        piece = self._splitter.flush()
        if piece is not None:
            self._pending.append(ship(piece, self.source, ts, self._generation))

    def _past_hole(self, chunk: bytes) -> bytes:
        """Return the next bytes that were written: a writer goes on at its old offset in a truncated file."""
        try:
            data = os.lseek(self._fd, self._position, os.SEEK_DATA)
        except OSError as error:
            if error.errno != errno.ENXIO:
                return chunk
            data = os.fstat(self._fd).st_size
        if data <= self._position:
            return chunk
        self._splitter.skip(data - self._position)
        self._position = data
        return os.pread(self._fd, CHUNK_BYTES, self._position)
