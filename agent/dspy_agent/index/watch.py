"""Keeps an index current while something runs: changes are read as they are made."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any, Final

from dspy_agent.index.index import Index
from dspy_agent.index.update import Update

_STEP_MS: Final = 20
_DEBOUNCE_MS: Final = 100
_RESYNC_MS: Final = 5_000  # a look at everything, for what the system did not tell
_RULES: Final = (".gitignore", ".ignore", ".rgignore")


def follow(index: Index, stop: threading.Event) -> Iterator[Update]:
    """Yield what was done, each time files changed, until ``stop`` is set. The index is current at the start.

    Only folders that the index covers are watched. Where the system can't watch them (too many for its
    limits), they are looked at every few seconds instead.
    """
    while not stop.is_set():
        watched = _folders(index)
        for paths in _changes(watched, stop):
            done = _update(index, paths)
            if done:
                yield done
            if _folders(index) != watched:
                break


def _folders(index: Index) -> list[str]:
    return sorted(os.path.join(index.workspace, folder) for folder in index.manifest.folders)


def _update(index: Index, paths: set[str] | None) -> Update | None:
    if paths is None:
        return index.update()
    return index.update_files(os.path.relpath(path, index.workspace) for path in sorted(paths))


def _changes(folders: list[str], stop: threading.Event) -> Iterator[set[str] | None]:
    """Yield the paths that changed, absolute; None for a look at everything."""
    import watchfiles

    settings: dict[str, Any] = {
        "watch_filter": _is_meant,
        "debounce": _DEBOUNCE_MS,
        "step": _STEP_MS,
        "stop_event": stop,
        "rust_timeout": _RESYNC_MS,
        "yield_on_timeout": True,
        "raise_interrupt": True,
        "recursive": False,
    }
    yield None  # what changed before the watch began
    try:
        for changes in watchfiles.watch(*folders, **settings):
            yield {path for _, path in changes} or None
    except (OSError, RuntimeError):  # the system's limit of watches, or a folder that went away
        stop.wait(_RESYNC_MS / 1000)


def _is_meant(change: object, path: str) -> bool:
    name = path.rpartition("/")[2]
    return not name.startswith(".") or name in _RULES
