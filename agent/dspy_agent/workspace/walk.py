"""Walks a folder in path order, without recursion and without following symlinks."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dspy_agent.workspace.ignore import Filters, Folder, Ignores


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or folder of a walk. ``path`` is absolute; ``depth`` counts from 1 below the start.

    ``kind`` is ``file``, ``folder``, ``symlink`` or ``other`` (pipe, socket, device).
    """

    path: str
    name: str
    kind: str
    depth: int


OnError = Callable[[str, OSError], None]


def walk(
    start: str,
    *,
    base: str,
    filters: Filters | None = None,
    max_depth: int | None = None,
    on_error: OnError | None = None,
) -> Iterator[Entry]:
    """Yield what lies below the absolute folder ``start``, each folder before its entries.

    Names are sorted by their bytes. Folders that can't be read are told to ``on_error`` and passed over.
    """
    ignores = Ignores(base, filters or Filters())
    stack = [iter(_entries(start, ignores.enter(start), ignores, 1, on_error))]
    while stack:
        found = next(stack[-1], None)
        if found is None:
            stack.pop()
            continue
        entry, parent = found
        yield entry
        if entry.kind == "folder" and (max_depth is None or entry.depth < max_depth):
            stack.append(iter(_entries(entry.path, parent, ignores, entry.depth + 1, on_error)))


def _entries(
    path: str, parent: Folder | None, ignores: Ignores, depth: int, on_error: OnError | None
) -> list[tuple[Entry, Folder | None]]:
    try:
        with os.scandir(path) as found:
            entries = sorted(found, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        if on_error is not None:
            on_error(path, error)
        return []
    folder = None
    if not ignores.filters.no_ignore:
        folder = Folder.of(path, parent, {entry.name for entry in entries})
    result = []
    for entry in entries:
        kind = _kind(entry)
        if kind and not ignores.leaves_out(folder, entry.path, entry.name, kind == "folder"):
            result.append((Entry(entry.path, entry.name, kind, depth), folder))
    return result


def _kind(entry: os.DirEntry[str]) -> str:
    try:
        if entry.is_symlink():
            return "symlink"
        if entry.is_dir(follow_symlinks=False):
            return "folder"
        return "file" if entry.is_file(follow_symlinks=False) else "other"
    except OSError:
        return ""
