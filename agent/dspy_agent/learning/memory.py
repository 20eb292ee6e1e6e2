"""Remembers what the last searches showed, so that a later use can be told with the search's decision.

A file of JSON lines: a head, then a search each, oldest first. Only lines that name a path in question are
parsed, so that looking at it costs little in each run of a tool.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from dspy_agent.learning.event import Choice
from dspy_agent.learning.locked import lock_soon
from dspy_agent.workspace.files import open_regular

NAME: Final = "shown.jsonl"
MOST_SEARCHES: Final = 20
MOST_PATHS: Final = 20
_MOST_RANGES: Final = 5
_VERSION: Final = 1
_KEY_BYTES: Final = 16
_MOST_BYTES: Final = 4 << 20

Range = tuple[int, int]


class Shown(NamedTuple):
    """A path that a search showed, with the first line ranges of its hits, and the uses that were told."""

    path: str
    lines: list[Range]
    told: list[str]


class Search(NamedTuple):
    """A search that showed ``hits``, a path each, best first, at ``ts`` (epoch seconds)."""

    choice: Choice
    ts: float
    hits: list[Shown]


class Memory:
    """The last searches, and the ``key`` that the workspace's argument hashes are made with."""

    def __init__(self, key: str = "", lines: Sequence[bytes] = ()) -> None:
        self.key = key or os.urandom(_KEY_BYTES).hex()
        self._lines = list(lines)[-MOST_SEARCHES:]
        self._parsed: dict[int, Search | None] = {}

    def hash_of(self, arguments: Any) -> str:
        """Return what is equal for equal arguments, and tells nobody without the key what they were."""
        data = repr(arguments).encode("utf-8", "surrogateescape")
        return hashlib.blake2b(data, key=bytes.fromhex(self.key), digest_size=8).hexdigest()

    def add(self, choice: Choice, ts: float, places: Sequence[tuple[str, Range | None]]) -> None:
        """Remember a search that showed ``places``: paths with lines, best first."""
        hits: dict[str, Shown] = {}
        for path, lines in places:
            if path not in hits and len(hits) == MOST_PATHS:
                continue
            shown = hits.setdefault(path, Shown(path, [], []))
            if lines is not None and len(shown.lines) < _MOST_RANGES:
                shown.lines.append(lines)
        if hits:
            self._lines.append(_dumps(Search(choice, ts, list(hits.values()))))

    def that_showed(self, path: str) -> Iterator[Search]:
        """Yield the searches that showed ``path``, oldest first. What is added to ``told`` is remembered."""
        name = _dumps(path)
        for number, line in enumerate(self._lines):
            if name in line:
                if number not in self._parsed:
                    self._parsed[number] = _search(line)
                search = self._parsed[number]
                if search is not None:
                    yield search

    def encode(self) -> bytes:
        """Return the file's content."""
        for number, search in self._parsed.items():
            self._lines[number] = _dumps(search)
        head = _dumps({"version": _VERSION, "key": self.key})
        return b"\n".join([head, *self._lines[-MOST_SEARCHES:], b""])


class Held:
    """The memory in ``folder`` while this process alone has it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME
        self.memory = _load(self._path)

    def save(self) -> None:
        """Write it, whole or not at all.

        It is not flushed to the disk, which would take as long as all else: a power cut may lose it. Then a
        use may be told twice, with one id, or not at all.

        Raises:
            OSError: it can't be written.
        """
        new = self._path.with_name(f"{NAME}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with os.fdopen(os.open(new, flags, 0o644), "wb") as file:
            file.write(self.memory.encode())
        new.replace(self._path)


@contextlib.contextmanager
def held(folder: Path) -> Iterator[Held]:
    """Hold the memory in ``folder`` (one that is there) while the block runs.

    Raises:
        OSError: it can't be locked.
    """
    lock = os.open(folder / f"{NAME}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
    try:
        lock_soon(lock)
        yield Held(folder)
    finally:
        os.close(lock)


def _load(path: Path) -> Memory:
    """Return what is in ``path``: nothing, if it is not there, damaged, or of another version."""
    try:
        with open_regular(path, follow=False) as file:
            head, *lines = file.read(_MOST_BYTES).splitlines()
        data = json.loads(head)
        if data["version"] == _VERSION and len(bytes.fromhex(data["key"])) == _KEY_BYTES:
            return Memory(data["key"], lines)
    except (OSError, ValueError, TypeError, KeyError, RecursionError):
        pass
    return Memory()


def _search(line: bytes) -> Search | None:
    """Return the search in a line; None if it is damaged."""
    try:
        (decision_id, tool, args_hash, (name, version)), ts, hits = json.loads(line)
        return Search(
            Choice(_text(decision_id), _text(tool), _text(args_hash), (_text(name), _text(version))),
            float(ts),
            [
                Shown(path, [(int(first), int(last)) for first, last in lines], [_text(use) for use in told])
                for path, lines, told in hits[:MOST_PATHS]
            ],
        )
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > 64:
        raise ValueError("not what was written")
    return value


def _dumps(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
