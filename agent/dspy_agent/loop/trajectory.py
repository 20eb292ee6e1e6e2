"""The trajectory of a conversation on disk: a line a step, there before the next begins, whatever is killed.

``.dspy_trajectories/<session>.jsonl`` holds records of the kinds ``task``, ``step`` and ``end``, each with a
``schema_version``. Results are not in it, only their digests; what looks like a secret is taken out.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.exclude import keep_from_git
from dspy_agent.learning.log import MAX_LINE, append
from dspy_agent.model.data import without_secrets
from dspy_agent.workspace.files import open_regular

FOLDER: Final = ".dspy_trajectories"
MOST_FILES: Final = 50
_VERSION: Final = 1
_MOST_TEXT: Final = 2000
_MOST_BYTES: Final = 16 << 20

Record = dict[str, Any]


class Trajectory:
    """Writes the records of one session.

    ``trouble`` says why nothing can be written, once that is known: a conversation goes on without.
    """

    def __init__(self, workspace: Path, session: str) -> None:
        self._workspace = workspace
        self.path = workspace / FOLDER / f"{session}.jsonl"
        self.trouble = ""

    def write(self, kind: str, record: Mapping[str, Any]) -> None:
        """Add a record: when this returns it is on disk."""
        if self.trouble:
            return
        try:
            self._make_folder()
            append(self.path, [encode(kind, record)], made=self._made)
        except (OSError, ValueError) as error:
            self.trouble = (getattr(error, "strerror", None) or str(error)).lower()

    def _make_folder(self) -> None:
        folder = self.path.parent
        if not folder.is_dir() or folder.is_symlink():
            folder.mkdir(mode=0o700)
            keep_from_git(self._workspace, FOLDER)

    def _made(self) -> None:
        prune(self.path.parent, MOST_FILES)


def encode(kind: str, record: Mapping[str, Any]) -> bytes:
    """Return a record as a line without its end; long texts are cut."""
    for most in (_MOST_TEXT, 200, 20):
        whole = {"schema_version": _VERSION, "kind": kind, **_clean(record, most)}
        line = json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
        if len(line) < MAX_LINE:
            return line
    return json.dumps({"schema_version": _VERSION, "kind": kind, "cut": True}).encode()


def read(path: Path) -> Iterator[Record]:
    """Yield the records of a file, oldest first; what is torn or of another version is passed over."""
    try:
        with open_regular(path, follow=False) as file:
            lines = file.read(_MOST_BYTES).split(b"\n")[:-1]
    except FileNotFoundError:
        return
    for line in lines:
        with contextlib.suppress(ValueError, RecursionError):
            record = json.loads(line)
            if isinstance(record, dict) and record.get("schema_version") == _VERSION:
                yield record


def latest(workspace: Path) -> Path | None:
    """Return the trajectory that was written last; None if there is none."""
    found = _files(workspace / FOLDER)
    return found[-1] if found else None


def prune(folder: Path, most: int) -> None:
    """Remove the oldest trajectories, so that ``most`` stay."""
    for path in _files(folder)[: -most or None]:
        with contextlib.suppress(OSError):
            path.unlink()


def _files(folder: Path) -> list[Path]:
    """Return the trajectories in ``folder``, oldest first."""
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
                for entry in entries
                if entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False)
            ]
    except OSError:
        return []
    return [folder / name for _, name in sorted(found)]


def _clean(value: Any, most: int) -> Any:
    if isinstance(value, str):
        text = without_secrets(value)
        return text if len(text) <= most else f"{text[:most]}… [{len(text) - most} more]"
    if isinstance(value, Mapping):
        return {str(key): _clean(item, most) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(item, most) for item in value[:50]]
    if isinstance(value, float):
        return round(value, 3) if value == value and abs(value) != float("inf") else None
    return value if value is None or isinstance(value, bool | int) else str(value)
