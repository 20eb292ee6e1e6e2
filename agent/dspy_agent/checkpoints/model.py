"""What the store keeps: versions of files, changes, the proposal, and checkpoints; as JSON and back."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

FORMAT: Final = 1
_BLOB: Final = re.compile(r"[0-9a-f]{64}")


class Damaged(ValueError):
    """A file of the store is not what was written."""


@dataclass(frozen=True, slots=True)
class Version:
    """A file's content, by the SHA-256 of its bytes, and its permissions."""

    blob: str
    mode: int


@dataclass(frozen=True, slots=True)
class FileChange:
    """What happens to the file ``path`` (relative, with slashes); None: there is no such file.

    ``added`` and ``removed`` count lines, 0 for binary files.
    """

    path: str
    before: Version | None
    after: Version | None
    added: int = 0
    removed: int = 0

    def reversed(self) -> FileChange:
        """Return what undoes it."""
        return FileChange(self.path, self.after, self.before, self.removed, self.added)


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes that wait for ``apply``. ``about``: what its maker noted, such as the ``task``."""

    time: str
    files: tuple[FileChange, ...] = ()
    about: Mapping[str, Any] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.files)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Changes that landed. ``undoes``: the checkpoint that this one took back; ``made``: folders it made."""

    id: int
    time: str
    files: tuple[FileChange, ...]
    about: Mapping[str, Any] = field(default_factory=dict)
    undoes: int | None = None
    made: tuple[str, ...] = ()


def encode(value: Proposal | Checkpoint) -> dict[str, Any]:
    """Return ``value`` as JSON types."""
    data: dict[str, Any] = {
        "format": FORMAT,
        "time": value.time,
        "about": dict(value.about),
        "files": [_encode_change(change) for change in value.files],
    }
    if isinstance(value, Checkpoint):
        data |= {"id": value.id, "undoes": value.undoes, "made": list(value.made)}
    return data


def decode_proposal(data: Any) -> Proposal:
    """Return the proposal that ``encode`` wrote.

    Raises:
        Damaged: it is none.
    """
    time, files, about = _decode_common(data)
    return Proposal(time, files, about)


def decode_checkpoint(data: Any) -> Checkpoint:
    """Return the checkpoint that ``encode`` wrote.

    Raises:
        Damaged: it is none.
    """
    time, files, about = _decode_common(data)
    number, undoes, made = data.get("id"), data.get("undoes"), data.get("made")
    _require(type(number) is int and number > 0 and (undoes is None or type(undoes) is int))
    _require(isinstance(made, list) and all(isinstance(name, str) for name in made))
    return Checkpoint(number, time, files, about, undoes, tuple(made))


def _encode_change(change: FileChange) -> dict[str, Any]:
    return {
        "path": change.path,
        "before": _encode_version(change.before),
        "after": _encode_version(change.after),
        "added": change.added,
        "removed": change.removed,
    }


def _encode_version(version: Version | None) -> list[Any] | None:
    return None if version is None else [version.blob, version.mode]


def _decode_common(data: Any) -> tuple[str, tuple[FileChange, ...], dict[str, Any]]:
    _require(isinstance(data, dict) and data.get("format") == FORMAT)
    time, files, about = data.get("time"), data.get("files"), data.get("about")
    _require(isinstance(time, str) and isinstance(files, list) and isinstance(about, dict))
    return time, tuple(map(_decode_change, files)), about


def _decode_change(data: Any) -> FileChange:
    _require(isinstance(data, dict) and isinstance(data.get("path"), str))
    counts = data.get("added"), data.get("removed")
    _require(all(type(count) is int and count >= 0 for count in counts))
    before, after = _decode_version(data.get("before")), _decode_version(data.get("after"))
    return FileChange(data["path"], before, after, *counts)


def _decode_version(data: Any) -> Version | None:
    if data is None:
        return None
    _require(isinstance(data, list) and len(data) == 2)
    blob, mode = data
    _require(isinstance(blob, str) and bool(_BLOB.fullmatch(blob)))
    _require(type(mode) is int and 0 <= mode <= 0o777)
    return Version(blob, mode)


def _require(holds: bool) -> None:
    if not holds:
        raise Damaged("not what was written")
