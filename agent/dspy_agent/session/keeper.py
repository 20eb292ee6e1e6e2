"""Keeps the code index and its vectors current in the background of a session."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 1.0


@contextmanager
def index_kept(workspace: Path) -> Iterator[None]:
    """While the block runs, bring the index up to date as files change, once there is one.

    A session that never searches builds none: its folder may be anything, a home folder too.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(workspace, stop), name="index-keeper", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _keep(workspace: Path, stop: threading.Event) -> None:
    from dspy_agent.index.semantic import BackgroundFill
    from dspy_agent.index.shared import index_of
    from dspy_agent.index.watch import follow

    index = index_of(workspace)
    while not index.exists():
        if stop.wait(_LOOK_SECONDS):
            return
    vectors: BackgroundFill | None = None
    try:
        index.update()
        vectors = BackgroundFill(index)
        vectors.start()
        for _ in follow(index, stop):
            vectors.wake()
    finally:
        if vectors is not None:
            vectors.stop()
