"""Finds what changed in a workspace since the index was made, without reading a file.

Folders whose modification time stands have the same entries, so a later look costs a ``stat`` for each
folder and file; only folders that changed are listed again, by the rules of the ignore files.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dspy_agent.index.manifest import FileState, Manifest
from dspy_agent.workspace.ignore import Filters
from dspy_agent.workspace.walk import walk

_IGNORE_NAMES: Final = (".gitignore", ".ignore", ".rgignore", ".git/info/exclude")
_RACY: Final = 50_000_000  # nanoseconds: a write this near to our look may leave the time stamp as it was


@dataclass(slots=True)
class Changes:
    """What is to be done: paths relative to the workspace.

    ``read``: files that are new or may differ, with their state (segment -1, digest 0) as of this look.
    """

    read: dict[str, FileState] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    folders: dict[str, int] = field(default_factory=dict)
    ignore_files: dict[str, int] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.read or self.gone)


def scan(workspace: str, manifest: Manifest) -> Changes:
    """Return how ``workspace`` (absolute) differs from ``manifest``."""
    look = _Look(workspace, time.time_ns())
    if manifest.folders:
        look.revisit(manifest)
    rules = look.ignore_files()
    if not manifest.folders or rules != manifest.ignore_files:
        look = _Look(workspace, look.now)
        look.walk_all()
        rules = look.ignore_files()
    found = look.files
    changes = Changes(folders=look.folders, ignore_files=rules)
    for path in found:
        state = look.state(path)
        if state is None:
            continue
        old = manifest.files.get(path)
        if old is None or (old.size, old.mtime, old.ctime) != (state.size, state.mtime, state.ctime):
            changes.read[path] = state
    changes.gone = [path for path in manifest.files if path not in found or path in look.vanished]
    return changes


def look_at(workspace: str, manifest: Manifest, paths: Iterable[str]) -> Changes:
    """Return how the files ``paths`` (relative, all known to the manifest) differ from it."""
    look = _Look(workspace, time.time_ns())
    changes = Changes(folders=manifest.folders, ignore_files=manifest.ignore_files)
    for path in paths:
        state, old = look.state(path), manifest.files[path]
        if state is None:
            changes.gone.append(path)
        elif (old.size, old.mtime, old.ctime) != (state.size, state.mtime, state.ctime):
            changes.read[path] = state
    return changes


class _Look:
    def __init__(self, workspace: str, now: int) -> None:
        self.workspace = workspace
        self.now = now
        self.files: dict[str, None] = {}
        self.folders: dict[str, int] = {}
        self.vanished: set[str] = set()

    def walk_all(self) -> None:
        self._folder("")
        self._take(walk(self.workspace, base=self.workspace, filters=Filters()))

    def _take(self, entries: Iterable[object]) -> None:
        cut = len(self.workspace.rstrip("/")) + 1
        for entry in entries:
            path = entry.path[cut:]  # type: ignore[attr-defined]
            if entry.kind == "file":  # type: ignore[attr-defined]
                self.files[path] = None
            elif entry.kind == "folder":  # type: ignore[attr-defined]
                self._folder(path)

    def revisit(self, manifest: Manifest) -> None:
        """Take over what stands in folders that did not change, and list the others again."""
        changed: list[str] = []
        dropped: set[str] = set()
        for folder, old in manifest.folders.items():
            time_now = _mtime(os.path.join(self.workspace, folder) if folder else self.workspace)
            if time_now is None:
                dropped.add(folder)
            elif time_now != old:
                changed.append(folder)
            self.folders[folder] = old if time_now is not None else -1
        if not changed and not dropped:
            self.files = dict.fromkeys(manifest.files)
            return
        listed: dict[str, None] = {}
        kept_folders = set(manifest.folders) - dropped - set(changed)
        for folder in changed:
            self._list_again(folder, manifest, listed)
        for folder in [*dropped, *(f for f in self.folders if f not in self._reachable())]:
            self.folders.pop(folder, None)
        for path in manifest.files:
            parent = path.rpartition("/")[0]
            if parent in kept_folders and parent in self.folders:
                self.files[path] = None
        self.files.update(listed)

    def _list_again(self, folder: str, manifest: Manifest, listed: dict[str, None]) -> None:
        start = os.path.join(self.workspace, folder) if folder else self.workspace
        prefix = f"{folder}/" if folder else ""
        self._folder(folder)
        inside: set[str] = set()
        for entry in walk(start, base=self.workspace, filters=Filters(), max_depth=1):
            path = prefix + entry.name
            if entry.kind == "file":
                listed[path] = None
            elif entry.kind == "folder":
                inside.add(path)
                if path not in manifest.folders:
                    self._folder(path)
                    before = self.files
                    self.files = listed
                    self._take(walk(entry.path, base=self.workspace, filters=Filters()))
                    self.files = before
        for known in manifest.folders:
            if known and known.rpartition("/")[0] == folder and known not in inside:
                self.folders.pop(known, None)

    def _reachable(self) -> set[str]:
        found = {""}
        for folder in sorted(self.folders):
            if folder and folder.rpartition("/")[0] in found:
                found.add(folder)
        return found

    def _folder(self, path: str) -> None:
        time_now = _mtime(os.path.join(self.workspace, path) if path else self.workspace)
        if time_now is not None:
            self.folders[path] = -1 if time_now > self.now - _RACY else time_now

    def state(self, path: str) -> FileState | None:
        try:
            found = os.stat(os.path.join(self.workspace, path), follow_symlinks=False)
        except OSError:
            self.vanished.add(path)
            return None
        racy = found.st_mtime_ns > self.now - _RACY
        mtime = -1 if racy else found.st_mtime_ns
        return FileState(-1, 0, found.st_size, mtime, found.st_ctime_ns, 0)

    def ignore_files(self) -> dict[str, int]:
        """Return the files that hold rules; a repository makes rules count, whenever it changed."""
        found = {".git": 0} if os.path.lexists(os.path.join(self.workspace, ".git")) else {}
        for folder in self.folders:
            for name in _IGNORE_NAMES if not folder else _IGNORE_NAMES[:3]:
                path = f"{folder}/{name}" if folder else name
                time_now = _mtime(os.path.join(self.workspace, path))
                if time_now is not None:
                    found[path] = time_now
        return found


def _mtime(path: str) -> int | None:
    try:
        return os.stat(path).st_mtime_ns
    except OSError:
        return None
