"""The event log: one JSON object a line, only ever added to, readable after a crash at any byte.

A line counts once it ends in a line feed. What a killed writer left unfinished is closed off by the next
one, and passed over by readers.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.learning.locked import lock_soon
from dspy_agent.workspace.files import open_regular

if TYPE_CHECKING:
    from dspy_agent_core.contracts.messages import LearningEvent

MAX_LINE: Final = 64 << 10
_FLAGS: Final = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW


def append(path: Path, lines: Iterable[bytes], *, made: Callable[[], None] | None = None) -> None:
    """Add ``lines`` (without their ends): when this returns they are on disk.

    Args:
        path: made if need be; no symlink is followed.
        lines: each at most MAX_LINE long.
        made: called before the first line of a new log is written, with the log locked.

    Raises:
        OSError: they can't be written, or not all of them.
        ValueError: a line is too long, or holds a line feed.
    """
    lines = list(lines)
    if any(len(line) >= MAX_LINE or b"\n" in line for line in lines):
        raise ValueError(f"an event is no line, or longer than {MAX_LINE} bytes")
    log = os.open(path, _FLAGS, 0o644)
    try:
        if not stat.S_ISREG(os.fstat(log).st_mode):
            raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
        lock_soon(log)
        size = os.fstat(log).st_size
        if size == 0 and made is not None:
            made()
        torn = size > 0 and os.pread(log, 1, size - 1) != b"\n"
        data = b"\n" * torn + b"".join(line + b"\n" for line in lines)
        if os.write(log, data) < len(data):  # never cut off again: a reader may be past it
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), os.fspath(path))
        os.fsync(log)
    finally:
        os.close(log)
    if size == 0:
        _sync_folder(path.parent)


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class Reader:
    """Iterates over the events of a log, oldest first.

    Args:
        path: of the log; one that is not there has no events.
        offset: of the line to begin with.

    ``offset`` is where the next line begins: give it to another reader to go on there. ``passed_over``
    counts the lines that are no events, by ``BadMessage.reason``.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self.offset = offset
        self.passed_over: Counter[str] = Counter()
        self._path = path

    def __iter__(self) -> Iterator[LearningEvent]:
        from dspy_agent_core.contracts.messages import BadMessage, LearningEvent, decode

        for line in self.lines():
            try:
                if line is None:
                    raise BadMessage("TooLarge", f"more than {MAX_LINE} bytes")
                event = decode(LearningEvent, line)
            except BadMessage as bad:
                self.passed_over[bad.reason] += 1
            else:
                yield event

    def lines(self) -> Iterator[bytes | None]:
        """Yield each whole line without its end; None for one that is too long."""
        try:
            file = open_regular(self._path, follow=False)
        except FileNotFoundError:
            return
        with file:
            buffered = io.BufferedReader(file)  # type: ignore[type-var]
            buffered.seek(self.offset)
            while line := buffered.readline(MAX_LINE):
                length, whole = len(line), line.endswith(b"\n")
                too_long = not whole and length == MAX_LINE
                while not whole and (rest := buffered.readline(MAX_LINE)):
                    length, whole = length + len(rest), rest.endswith(b"\n")
                if not whole:
                    return  # is being written, or was torn: the next writer closes it off
                self.offset += length
                yield None if too_long else line[:-1]
