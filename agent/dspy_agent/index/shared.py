"""The index of each workspace that this process works in: opened once, used by all its tools."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from dspy_agent.index.index import Index
from dspy_agent.index.update import Progress
from dspy_agent.learning.place import learning_folder
from dspy_agent.tools.terminal_line import counting

_OPENING = threading.Lock()


@lru_cache(8)
def _index(workspace: Path) -> Index:
    return Index(workspace, tell_changed=lambda paths: _files_changed(paths, workspace))


def _files_changed(paths: Sequence[str], workspace: Path) -> None:
    if folder := learning_folder(workspace):
        from dspy_agent.learning.hook import files_changed

        files_changed(paths, workspace, folder)


def index_of(workspace: Path) -> Index:
    """Return the index of ``workspace`` (from ``open_workspace``), as it is."""
    with _OPENING:
        return _index(workspace)


def current_index(workspace: Path) -> Index:
    """Return the index of ``workspace``, built or brought up to date; progress is told on a terminal."""
    index = index_of(workspace)
    progress = progress_line()
    if index.update(progress=progress, wait=False) is None:
        sys.stderr.write("another process brings the code index up to date: waiting for it\n")
        index.update(progress=progress)
    return index


def progress_line() -> Progress | None:
    """Return what tells a terminal how far the build is; None where stderr is no terminal."""
    return counting("indexing {:,} of {:,} files", least=200)
