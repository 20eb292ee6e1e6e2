"""Feeds local logs to a reducer, newest files first, within what can be read in short time."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from dspy_agent.logs.find import STDIN, Found
from dspy_agent.logs.lines import lines_of
from dspy_agent.logs.progress import Progress
from dspy_agent.logs.read import LogFile, NotALog
from dspy_agent.tools.amounts import count
from dspy_agent_core.contracts.results import Unread

# Takes text, source, time of the source, offset.
Take = Callable[[str, str, float, int], None]

ONLY_THE_END: Final = "only its end was read"
OLDER: Final = "older than the time asked for"
FILLED: Final = "newer files filled what is read at once"
_FILE_BYTES: Final = 8 << 20
_TOTAL_BYTES: Final = 32 << 20
_SINCE_TIMES: Final = 8  # so much more where only the lines from a time on are read
_WORTH_READING: Final = 1 << 16
_UNPACK_COST: Final = 16  # a byte that is unpacked costs as much as so many that are read
_DAY: Final = 86400.0  # times without a zone may be off by that much


class Gathering:
    """Reads files for one answer.

    Args:
        workspace: paths are shown relative to it.
        take: takes each line.
        since: only lines from about this time on are wanted (epoch seconds).
        everything: read whole files.
        whole: leave last lines without an end to be read later.

    Attributes:
        read: the logs that were read.
        times: when each was written last, epoch seconds.
        unread: what was not, and why.
        ends: of the plain files, by path: the inode, and the offset where reading ended.
    """

    def __init__(
        self, workspace: Path, take: Take, since: float | None, everything: bool, whole: bool = False
    ) -> None:
        self.read: list[str] = []
        self.times: dict[str, float] = {}
        self.unread: list[Unread] = []
        self.ends: dict[Path, tuple[tuple[int, int], int]] = {}
        self._workspace, self._take, self._whole = workspace, take, whole
        self._since = None if everything else since
        times = 1 if since is None else _SINCE_TIMES
        self._limit = None if everything else _FILE_BYTES * times
        self._left = None if everything else _TOTAL_BYTES * times
        self._passed_over: Counter[str] = Counter()

    def files(self, found: Found) -> None:
        """Read what was found."""
        progress = Progress()
        try:
            for path in found.files:
                if path == STDIN:
                    self.stream(sys.stdin.buffer)
                else:
                    self._file(path, progress)
        finally:
            progress.end()
        for why, files in self._passed_over.items():
            self.unread.append(Unread(count(files, "older file"), why))
        if found.left_out:
            self.unread.append(Unread(count(found.left_out, "older file"), "too many files"))

    def stream(self, stream: BinaryIO) -> None:
        """Read standard input to its end."""
        self.read.append(str(STDIN))
        at = self.times[str(STDIN)] = time.time()
        for offset, text in lines_of(stream):
            self._take(text, str(STDIN), at, offset)

    def _file(self, path: Path, progress: Progress) -> None:
        shown = shown_path(path, self._workspace)
        if self._left is not None and self._left < _WORTH_READING:
            self._passed_over[FILLED] += 1
            return
        limit = self._limit if self._left is None else min(self._limit or 0, self._left)
        try:
            if self._since is not None and path.stat().st_mtime < self._since - _DAY:
                self._passed_over["not written since then"] += 1
                return
            file = LogFile(path, limit, self._since, self._whole, partial(progress.at, shown))
            if file.is_plain:
                self.ends[path] = file.inode, file.size
            self.times[shown] = file.modified
            for offset, text in file.lines():
                self._take(text, shown, file.modified, offset)
        except (NotALog, OSError) as error:
            self.unread.append(Unread(shown, getattr(error, "strerror", None) or str(error)))
            return
        self.read.append(shown)
        if file.damaged:
            self.unread.append(Unread(shown, file.damaged))
        if file.skipped:
            why = OLDER if file.is_older else ONLY_THE_END
            self.unread.append(Unread(shown, why, file.skipped))
        if limit is not None and self._left is not None:
            cost = file.size - file.skipped if file.is_plain else _UNPACK_COST * file.size
            self._left -= max(0, min(limit, cost))


def shown_path(path: Path, workspace: Path) -> str:
    """Return ``path`` relative to the workspace where it lies in it."""
    absolute = path.absolute()
    return absolute.relative_to(workspace).as_posix() if absolute.is_relative_to(workspace) else str(path)
