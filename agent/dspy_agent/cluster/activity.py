"""Notes that a workspace is in use, so that its idle timeout spares a live session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.workspaces import activity_now, patch_workspace
from dspy_agent_core.errors import ClusterError

NOTE_SECONDS = 30.0
_LAST_NOTE_SECONDS = 5.0  # how long an ending session waits for a note that is on its way


@contextmanager
def noted_activity(api: Api, name: str, warn: Callable[[str], None]) -> Iterator[None]:
    """Note activity on workspace ``name`` at once and every 30 s, in the background.

    A cluster that forbids it is told of once; any other failure is tried again at the next note.
    """
    ended = threading.Event()

    def note() -> None:
        while True:
            try:
                patch_workspace(api, name, activity_now())
            except ClusterError as error:
                if error.code == "Forbidden":
                    warn(
                        f"warning: without noted activity an idle timeout may end this session. {error.next}"
                    )
                    return
            if ended.wait(NOTE_SECONDS):
                return

    thread = threading.Thread(target=note, name="activity", daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join(_LAST_NOTE_SECONDS)
