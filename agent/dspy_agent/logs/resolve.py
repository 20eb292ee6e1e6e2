"""Maps the paths in stack traces to files of the workspace, also those of a container's file system."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from dspy_agent.workspace.walk import walk
from dspy_agent_core.logs.frames import is_library

_MAX_FILES: Final = 300_000


class PathResolver:
    """Finds the file of the workspace that a path in a trace means. The walk happens at the first need."""

    def __init__(self, workspace: Path) -> None:
        self._root = str(workspace).rstrip("/") + "/"
        self._by_name: dict[str, list[list[str]]] | None = None
        self._known: dict[str, str | None] = {}

    def __call__(self, path: str) -> str | None:
        """Return ``path`` relative to the workspace, or None if it is not of the workspace."""
        if path not in self._known:
            self._known[path] = self._resolve(path.replace("\\", "/").removeprefix("file://"))
        return self._known[path]

    def _resolve(self, path: str) -> str | None:
        if path.startswith(self._root):
            relative = os.path.normpath(path[len(self._root) :])
            return None if is_library(relative) or relative.startswith("../") else relative
        if is_library(path) or not path or "\0" in path:
            return None
        parts = [part for part in path.split("/") if part not in ("", ".")]
        if not parts or ".." in parts:
            return None
        return self._by_suffix(parts, least=1 if path.startswith("/") or path[1:2] == ":" else 2)

    def _by_suffix(self, parts: list[str], least: int) -> str | None:
        """Return the one file with the longest common end: at least ``least`` parts, or a whole path."""
        best: list[list[str]] = []
        length = 0
        for candidate in self._index().get(parts[-1], []):
            common = _common_end(parts, candidate)
            if common < min(least, len(parts), len(candidate)):
                continue
            if common > length:
                best, length = [candidate], common
            elif common == length:
                best.append(candidate)
        whole = [candidate for candidate in best if len(candidate) == length]
        chosen = whole or best
        return "/".join(chosen[0]) if len(chosen) == 1 else None

    def _index(self) -> dict[str, list[list[str]]]:
        if self._by_name is None:
            self._by_name = {}
            root = self._root.rstrip("/") or "/"
            for number, entry in enumerate(walk(root, base=root)):
                if number >= _MAX_FILES:
                    break
                if entry.kind == "file":
                    relative = entry.path[len(self._root) :]
                    self._by_name.setdefault(entry.name, []).append(relative.split("/"))
        return self._by_name


def _common_end(left: list[str], right: list[str]) -> int:
    count = 0
    for a, b in zip(reversed(left), reversed(right), strict=False):
        if a != b:
            break
        count += 1
    return count
