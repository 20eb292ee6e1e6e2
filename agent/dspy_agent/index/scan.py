"""Finds what changed in a workspace since the index was made, without reading a file.

Folders whose modification time stands have the same entries, so a later look costs a ``stat`` for each
folder and file; only folders that changed are listed again, by the rules of the ignore files.
"""

from __future__ import annotations

import os
import stat
import time
import zlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from dspy_agent.index.manifest import FileState, Manifest
from dspy_agent.workspace.gitignore import parse_rules
from dspy_agent.workspace.ignore import Filters, load_global_rules
from dspy_agent.workspace.walk import Entry, walk

RULE_FILES: Final = (".gitignore", ".ignore", ".rgignore")
_EXCLUDE: Final = ".git/info/exclude"
_GLOBAL: Final = "global"
_NEVER: Final = Filters(globs=parse_rules(("!.git", "!.dspy_*")))  # even where rules keep hidden files
_RACY: Final = 50_000_000  # nanoseconds: a write this near to our look may leave the time stamp as it was
_AHEAD: Final = 2_000_000_000  # a time stamp farther in the future was set by hand
_MANY: Final = 20  # changed folders: with more of them, one walk through all is quicker


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
    look = _Look(workspace, manifest, time.time_ns())
    whole = not manifest.folders or not look.revisit()
    rules = {} if whole else look.ignore_files()
    if whole or rules != manifest.ignore_files or -1 in rules.values():
        look = _Look(workspace, manifest, look.now)
        look.walk_all()
        rules = look.ignore_files()
    changes = Changes(folders=look.folders, ignore_files=rules)
    look.compare(look.files, changes)
    changes.gone += [path for path in manifest.files if path not in look.files]
    return changes


def look_at(workspace: str, manifest: Manifest, paths: Iterable[str]) -> Changes | None:
    """Return how the files ``paths`` (relative) differ from ``manifest``; None if more must be looked at.

    That is so if files may have come, or rules may have changed.
    """
    look = _Look(workspace, manifest, time.time_ns())
    changes = Changes(folders=manifest.folders, ignore_files=manifest.ignore_files)
    for path in dict.fromkeys(paths):
        folder, _, name = path.rpartition("/")
        if name in RULE_FILES or not look.is_inside(folder):
            return None
        if path in manifest.files:
            if look.folder_time(path) is not None:
                return None  # a folder took its place
            look.compare((path,), changes)
        elif not look.stands(folder) or (path in manifest.folders and not look.stands(path)):
            return None
    return changes


class _Look:
    def __init__(self, workspace: str, manifest: Manifest, now: int) -> None:
        self.workspace = workspace
        self.manifest = manifest
        self.now = now
        self.files: dict[str, None] = {}
        self.folders: dict[str, int] = {}

    def whole(self, path: str) -> str:
        return os.path.join(self.workspace, path) if path else self.workspace

    def walk_all(self) -> None:
        self._folder("")
        self._take(self.workspace, self.files)

    def _take(self, start: str, files: dict[str, None], max_depth: int | None = None) -> list[str]:
        """Note what lies below ``start``, and return the folders."""
        cut = len(self.workspace.rstrip("/")) + 1
        folders = []

        def unreadable(path: str, _: OSError) -> None:
            self.folders[path[cut:]] = -1

        entries: Iterable[Entry] = walk(
            start, base=self.workspace, filters=_NEVER, max_depth=max_depth, on_error=unreadable
        )
        for entry in entries:
            path = entry.path[cut:]
            if entry.kind == "file":
                files[path] = None
            elif entry.kind == "folder":
                folders.append(path)
                if max_depth is None:
                    self._folder(path)
        return folders

    def revisit(self) -> bool:
        """Take over what stands in folders that did not change, and list the others again.

        Returns:
            Whether that was done: not if too many changed.
        """
        known = self.manifest.folders
        changed: list[str] = []
        for folder, old in known.items():
            time_now = self.folder_time(folder)
            if time_now is None:
                continue
            if time_now != old:
                changed.append(folder)
            self.folders[folder] = old
        if len(changed) > _MANY:
            return False
        if not changed and len(self.folders) == len(known):
            self.files = dict.fromkeys(self.manifest.files)
            return True
        listed: dict[str, None] = {}
        inside: dict[str, list[str]] = defaultdict(list)
        for folder in known:
            inside[folder.rpartition("/")[0]].append(folder)
        for folder in changed:
            self._list_again(folder, inside[folder], listed)
        self._drop_unreachable()
        stand = self.folders.keys() - set(changed)
        self.files = {path: None for path in self.manifest.files if path.rpartition("/")[0] in stand}
        self.files |= {path: None for path in listed if path.rpartition("/")[0] in self.folders}
        return True

    def _list_again(self, folder: str, known: Iterable[str], listed: dict[str, None]) -> None:
        self._folder(folder)
        inside = self._take(self.whole(folder), listed, max_depth=1)
        for path in inside:
            if path not in self.manifest.folders:
                self._folder(path)
                self._take(self.whole(path), listed)
        for path in set(known) - set(inside):
            if path:
                self.folders.pop(path, None)

    def _drop_unreachable(self) -> None:
        """Leave out folders that are in one which is gone, or ignored now."""
        reachable: dict[str, int] = {}
        for folder in sorted(self.folders):
            if not folder or folder.rpartition("/")[0] in reachable:
                reachable[folder] = self.folders[folder]
        self.folders = reachable

    def _folder(self, path: str) -> None:
        time_now = self.folder_time(path)
        if time_now is not None:
            self.folders[path] = -1 if self._is_racy(time_now) else time_now

    def _is_racy(self, time_then: int) -> bool:
        return -_RACY < time_then - self.now < _AHEAD

    def folder_time(self, path: str) -> int | None:
        try:
            found = os.lstat(self.whole(path))
        except OSError:
            return None
        return found.st_mtime_ns if stat.S_ISDIR(found.st_mode) else None

    def stands(self, folder: str) -> bool:
        """Return whether ``folder`` has the entries that the manifest knows."""
        return self.manifest.folders.get(folder, -1) == self.folder_time(folder)

    def is_inside(self, folder: str) -> bool:
        """Return whether ``folder`` is one of the workspace's, no symlink on the way to it."""
        while folder:
            if folder not in self.manifest.folders or self.folder_time(folder) is None:
                return False
            folder = folder.rpartition("/")[0]
        return True

    def compare(self, paths: Iterable[str], changes: Changes) -> None:
        """Note in ``changes`` how the files ``paths`` differ: most of a look is spent here."""
        known, prefix = self.manifest.files, self.whole("").rstrip("/") + "/"
        lstat, is_file = os.lstat, stat.S_ISREG
        low, high = self.now - _RACY, self.now + _AHEAD
        for path in paths:
            old = known.get(path)
            try:
                found = lstat(prefix + path)
            except OSError:
                found = None
            if found is None or not is_file(found.st_mode):
                if old is not None:
                    changes.gone.append(path)
                continue
            size, mtime, ctime = found.st_size, found.st_mtime_ns, found.st_ctime_ns
            if low < mtime < high or low < ctime < high:
                mtime = -1
            elif old is not None and old[2] == size and old[3] == mtime and old[4] == ctime:
                continue
            changes.read[path] = FileState(-1, 0, size, mtime, ctime, 0)

    def ignore_files(self) -> dict[str, int]:
        """Return the times of the files that hold rules, those above the workspace and git's own included."""
        names = set(self.manifest.ignore_files)
        for folder, time_now in self.folders.items():
            if time_now == -1 or self.manifest.folders.get(folder) != time_now:
                names.update(f"{folder}/{name}" if folder else name for name in RULE_FILES)
        above = os.path.dirname(self.workspace)
        while above not in (os.path.dirname(above), ""):
            names.update(os.path.join(above, name) for name in (*RULE_FILES, _EXCLUDE, ".git", ".jj"))
            above = os.path.dirname(above)
        names.update((_EXCLUDE, ".git", ".jj"))
        names.discard(_GLOBAL)
        found = {_GLOBAL: zlib.crc32(repr(load_global_rules().rules).encode("utf-8", "surrogateescape"))}
        for path in sorted(names):
            try:
                state = os.stat(os.path.join(self.workspace, path))
            except OSError:
                continue
            if path.endswith((".git", ".jj")):
                found[path] = 0  # a repository makes rules count, whenever it changed
            else:
                racy = self._is_racy(state.st_mtime_ns) or self._is_racy(state.st_ctime_ns)
                found[path] = -1 if racy else state.st_mtime_ns
        return found
