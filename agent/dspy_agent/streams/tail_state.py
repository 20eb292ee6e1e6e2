"""How far each file was delivered: one JSON file, written atomically, with one writer at a time."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from dspy_agent.workspace.atomic import write_atomic
from dspy_agent_core.errors import WorkspaceError

VERSION: Final = 1
HEAD_BYTES: Final = 256


@dataclass(frozen=True, slots=True)
class Place:
    """How far one file was delivered.

    A file is known by its inode and its first bytes: the path changes with rotation, and inodes are used
    again. ``head_size`` of its first bytes have the hash ``head``. ``seen``: epoch seconds.
    """

    path: str
    inode: int
    head: str
    head_size: int
    offset: int
    seen: float

    def is_of(self, inode: int, size: int, head: bytes) -> bool:
        """Return whether the file with this inode, size and first bytes is the one that was read."""
        return (
            inode == self.inode
            and size >= self.offset
            and len(head) >= self.head_size
            and fingerprint(head[: self.head_size]) == self.head
        )


def fingerprint(head: bytes) -> str:
    """Return the hash of a file's first bytes."""
    return hashlib.sha256(head).hexdigest()[:32]


class TailState:
    """The places of one topic in a state file, which holds those of other topics too."""

    def __init__(self, path: Path, topic: str) -> None:
        self._path = path
        self._topic = topic
        self._topics = _load(path)

    @property
    def places(self) -> list[Place]:
        """What the file says of this topic."""
        return [Place(**fields) for fields in self._topics.get(self._topic, ())]

    def save(self, places: Iterable[Place]) -> None:
        """Replace the places of this topic, on disk.

        Raises:
            WorkspaceError: the file can't be written.
        """
        self._topics[self._topic] = [asdict(place) for place in places]
        text = json.dumps({"version": VERSION, "topics": self._topics}, indent=1)
        try:
            write_atomic(self._path, [text.encode("utf-8")])
        except OSError as error:
            raise _unusable(self._path, "written", error) from None


@contextmanager
def open_state(path: Path, topic: str) -> Iterator[TailState]:
    """Open the state file, and keep others from it.

    Raises:
        WorkspaceError: another process has it, or it can't be read or written.
    """
    try:
        lock = os.open(path.with_name(f"{path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise _unusable(path, "written", error) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield TailState(path, topic)
    except BlockingIOError:
        raise WorkspaceError(
            f"Another process ships files with the state file {path}.",
            code="StateInUse",
            next="Stop it, or name another state file: --state FILE.",
        ) from None
    finally:
        os.close(lock)


def _load(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_bytes())
        if data["version"] != VERSION:
            raise ValueError(f"version {data['version']}")
        topics: dict[str, Any] = data["topics"]
        for places in topics.values():
            for fields in places:
                Place(**fields)
        return topics
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise _unusable(path, "read", error) from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WorkspaceError(
            f"{path} is no state file of this version: {error}.",
            code="BadState",
            next="Name another by --state FILE, or delete it: all files are then new.",
        ) from None


def _unusable(path: Path, how: str, error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"The state file {path} can't be {how}: {(error.strerror or str(error)).lower()}.",
        code="StateUnusable",
        next="Name one in a folder that can be written: --state FILE.",
    )
