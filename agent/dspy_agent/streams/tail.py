"""``stream tail``: ships the lines of growing files to a raw topic, and remembers how far it came.

At least once: an offset is stored only after delivery. A line comes twice only if the process is killed
between its delivery and the next write of the state file, which is at most ``_SAVE_SECONDS`` away.
"""

from __future__ import annotations

import os
import resource
import select
import stat
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.streams.program import Program
from dspy_agent.streams.tail_follow import Follower
from dspy_agent.streams.tail_lines import LineSplitter
from dspy_agent.streams.tail_names import find_files, mean, source_of
from dspy_agent.streams.tail_ship import Shipper
from dspy_agent.streams.tail_state import HEAD_BYTES, Place, TailState
from dspy_agent.workspace.files import open_regular

_SCAN_SECONDS: Final = 0.5
_SAVE_SECONDS: Final = 0.05
_DRAIN_SECONDS: Final = 15.0
_LINGER_SECONDS: Final = 5.0  # a renamed file may still be written to
_REMEMBER_SECONDS: Final = 86_400.0
_OLD_SECONDS: Final = 86_400.0
_WAIT_SECONDS: Final = 0.1


@dataclass(frozen=True, slots=True)
class TailOptions:
    """What to ship.

    Args:
        words: files, folders and globs.
        host: put before the names of files that are no container's.
        from_start: begin files that are seen for the first time at their start, or at their end; None:
            at the start, those that nobody has changed for a day at the end.
        once: end when all that is there was shipped.
    """

    words: tuple[str, ...]
    host: str
    from_start: bool | None = None
    once: bool = False


class Tail:
    """Follows files, and stores how far they were delivered."""

    def __init__(
        self, program: Program, shipper: Shipper, state: TailState, options: TailOptions, mine: Path
    ) -> None:
        from prometheus_client import Gauge

        self._program = program
        self._shipper = shipper
        self._state = state
        self._options = options
        self._not_ours = str(mine)
        self._places = {place.inode: place for place in state.places}
        self._followers: dict[tuple[int, int], Follower] = {}
        self._next_scan = 0.0
        self._first_scan = True
        self._unsaved = False
        self._next_save = 0.0
        files = Gauge("dspy_agent_tail_files", "Files that are followed.", registry=program.registry)
        files.set_function(lambda: len(self._followers))
        self._unread = Gauge("dspy_agent_tail_unread_bytes", "Bytes not read yet.", registry=program.registry)

    def run(self) -> bool:
        """Ship until the program should end; return whether all that was read was delivered."""
        _allow_many_files()
        try:
            while not self._program.stopping:
                self._program.tick()
                now = time.monotonic()
                if now >= self._next_scan:
                    self._scan(now)
                    self._program.health.ready()
                busy = self._read(now)
                self._shipper.poll(0.0 if busy else self._pause())
                self._settle(time.monotonic())
                if self._options.once and not busy and not self._shipper.pending and self._all_read():
                    break
            return self._shipper.drain(_DRAIN_SECONDS)
        finally:
            self._settle(time.monotonic(), save_now=True)
            for follower in self._followers.values():
                follower.close()

    @property
    def found(self) -> bool:
        """Whether there was any file."""
        return bool(self._followers)

    def _read(self, now: float) -> bool:
        """Look at the files whose turn it is; return whether any had something new."""
        busy = False
        for follower in sorted(self._followers.values(), key=lambda one: one.gone_since is None):
            if not self._shipper.has_room:
                return False
            if now < follower.next_look or (follower.after is not None and not follower.after.at_end):
                continue
            follower.after = None
            busy |= follower.read(self._shipper.ship, now, last=self._options.once) > 0
            if follower.gone_since is None and not _is_at(follower.at, follower.key):
                self._next_scan = now  # rotated: the new file is read at once
        return busy

    def _all_read(self) -> bool:
        return all(follower.at_end and follower.after is None for follower in self._followers.values())

    def _pause(self) -> float:
        if not self._shipper.has_room:
            return _WAIT_SECONDS
        due = min((one.next_look for one in self._followers.values()), default=self._next_scan)
        return min(max(min(due, self._next_scan) - time.monotonic(), 0.001), _WAIT_SECONDS)

    def _settle(self, now: float, *, save_now: bool = False) -> None:
        for follower in list(self._followers.values()):
            self._unsaved |= follower.settle()
            if follower.is_finished(now, _LINGER_SECONDS):
                self._forget(follower)
        if self._unsaved and (save_now or now >= self._next_save or not self._shipper.pending):
            self._save()
            # A slow disk is not asked all the time.
            self._next_save = now + max(_SAVE_SECONDS, 10 * (time.monotonic() - now))

    def _save(self) -> None:
        epoch = time.time()
        for follower in self._followers.values():
            self._places[follower.key[1]] = follower.place(epoch)
        self._places = {
            inode: place for inode, place in self._places.items() if epoch - place.seen < _REMEMBER_SECONDS
        }
        self._state.save(self._places.values())
        self._unsaved = False

    def _forget(self, follower: Follower) -> None:
        self._places[follower.key[1]] = follower.place(time.time())
        follower.close()
        del self._followers[follower.key]
        self._unsaved = True

    def _scan(self, now: float) -> None:
        """Find new files, and those that are gone."""
        seen = set()
        for path in find_files(self._options.words):
            key = _key(path)
            if key is None or path.startswith(self._not_ours):
                continue
            seen.add(key)
            follower = self._followers.get(key)
            if follower is None:
                self._open(path, now)
            elif follower.gone_since is not None or not _is_at(follower.at, key):
                follower.at, follower.gone_since = path, None
        for key, follower in self._followers.items():
            if key not in seen and follower.gone_since is None:
                follower.gone_since = now
        if self._first_scan:
            self._find_renamed(now)
        self._first_scan = False
        self._unread.set(sum(follower.unread for follower in self._followers.values()))
        self._next_scan = now + max(_SCAN_SECONDS, 20 * (time.monotonic() - now))

    def _find_renamed(self, now: float) -> None:
        """Open the files that were rotated away while nobody looked, to ship the rest of them."""
        open_inodes = {inode for _, inode in self._followers}
        words = self._options.words
        lost = [place for inode, place in self._places.items() if inode not in open_inodes]
        for place in [place for place in lost if mean(words, place.path)]:
            folder = os.path.dirname(os.path.realpath(place.path))  # noqa: PTH120
            with suppress(OSError), os.scandir(folder) as entries:
                for entry in entries:
                    if entry.inode() == place.inode and entry.is_file(follow_symlinks=False):
                        self._open(entry.path, now, rotated=place)

    def _open(self, path: str, now: float, rotated: Place | None = None) -> None:
        try:
            file = open_regular(path)
        except OSError as error:
            self._program.report("FileUnreadable", f"{path}: {(error.strerror or str(error)).lower()}")
            return
        facts = os.fstat(file.fileno())
        head = os.pread(file.fileno(), HEAD_BYTES, 0)
        place = self._places.get(facts.st_ino)
        known = place is not None and place.is_of(facts.st_ino, facts.st_size, head)
        if rotated is not None and not known:
            file.close()
            return
        offset = place.offset if place is not None and known else self._first_offset(facts)
        name = place.path if place is not None and known else path
        follower = Follower(path, source_of(name, self._options.host), file, offset, now)
        if rotated is not None:
            follower.gone_since = now
        follower.after = next((one for one in self._followers.values() if one.path == path), None)
        for one in self._followers.values():
            if rotated is not None and one.path == rotated.path:
                one.after = follower
        self._followers[follower.key] = follower
        self._unsaved = True

    def _first_offset(self, facts: os.stat_result) -> int:
        if not self._first_scan:
            return 0
        start = self._options.from_start
        if start is None:
            start = time.time() - facts.st_mtime < _OLD_SECONDS
        return 0 if start else facts.st_size


def ship_stdin(program: Program, shipper: Shipper, source: str) -> bool:
    """Ship the lines of stdin; return whether all were delivered."""
    program.health.ready()
    splitter = LineSplitter()
    more = True
    while more and not program.stopping:
        program.tick()
        if shipper.has_room and select.select([0], [], [], _WAIT_SECONDS / 5)[0]:
            chunk = os.read(0, 256 << 10)
            more = bool(chunk)
            for piece in splitter.feed(chunk):
                shipper.ship(piece, source, round(time.time(), 3))
        shipper.poll(0.0 if shipper.has_room else _WAIT_SECONDS)
    if (rest := splitter.flush()) is not None:
        shipper.ship(rest, source, round(time.time(), 3))
    while not program.stopping and not shipper.drain(_WAIT_SECONDS):
        program.tick()
    return shipper.drain(_DRAIN_SECONDS)


def missing(words: Iterable[str]) -> list[str]:
    """Return the words that mean no file now."""
    return [word for word in words if not any(_key(path) for path in find_files([word]))]


def _key(path: str) -> tuple[int, int] | None:
    try:
        facts = os.stat(path)  # noqa: PTH116
    except (OSError, ValueError):
        return None
    return (facts.st_dev, facts.st_ino) if stat.S_ISREG(facts.st_mode) else None


def _is_at(path: str, key: tuple[int, int]) -> bool:
    return _key(path) == key


def _allow_many_files() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
