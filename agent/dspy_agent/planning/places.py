"""Which files and folders a workspace has, and which of them a model may have meant."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from dspy_agent.workspace.paths import confine
from dspy_agent_core.errors import AgentError


class Places:
    """Files of ``workspace``; ``files`` are those that the index knows, for looking up what is near."""

    def __init__(self, workspace: Path, files: Iterable[str] = ()) -> None:
        self._workspace = workspace
        self._files = tuple(files)

    def exists(self, path: str) -> bool:
        """Return whether ``path`` is a file or folder in the workspace."""
        try:
            return bool(path.strip()) and confine(self._workspace, path) is not None
        except (AgentError, OSError, ValueError):
            return False

    def known(self, path: str) -> str | None:
        """Return the path that ``path`` must mean: itself, or the only one with that end; None if none."""
        path = _plain(path)
        if not path:
            return None
        if self.exists(path):
            inside = os.path.relpath(confine(self._workspace, path), self._workspace)
            return path if not path.startswith("/") else PurePosixPath(inside).as_posix()
        parts = PurePosixPath(path).parts
        for drop in range(len(parts)):  # a folder too many in front, or too few
            found = self._ending.get(parts[drop:], ())
            if len(found) == 1:
                return found[0]
            if found:
                return None
        return None

    def may_be_made(self, path: str) -> bool:
        """Return whether ``path`` is a new file in a folder that is there, inside the workspace."""
        path = _plain(path)
        pure = PurePosixPath(path)
        if not path or pure.is_absolute() or ".." in pure.parts or pure.parts[0].startswith("."):
            return False
        return bool(pure.suffix) and not self.exists(path) and self.exists(str(pure.parent))

    @cached_property
    def _ending(self) -> dict[tuple[str, ...], list[str]]:
        found: dict[tuple[str, ...], list[str]] = {}
        for file in self._files:
            parts = PurePosixPath(file).parts
            for start in range(len(parts)):
                found.setdefault(parts[start:], []).append(file)
        return found


def _plain(path: str) -> str:
    """Return ``path`` without a line number, quotes or a leading ``./``."""
    path = path.strip().strip("`'\"")
    head, colon, tail = path.partition(":")
    path = head if colon and (tail[:1].isdigit() or tail.startswith(":")) else path
    return path.removeprefix("./").rstrip("/") or ("." if path else "")
