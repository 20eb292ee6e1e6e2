"""Keeps what is learned in a session: the state file near the event log, and shared where there is a broker.

Nothing depends on it: whoever starts next learns from the log what the state does not know.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.place import learning_folder
from dspy_agent.learning.policy_state import STATE_NAME, background_steps, open_policy, tell
from dspy_agent.learning.state_file import HEAD_BYTES, reach
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import AgentError
from dspy_agent_core.streams.settings import BOOTSTRAP_VARIABLE

_LOOK_SECONDS: Final = 1.0
_END_SECONDS: Final = 2.0
_CHUNK: Final = 1 << 20


@contextmanager
def learning_kept(workspace: Path) -> Iterator[None]:
    """While the block runs, snapshot what is learned each RL_BACKGROUND_STEPS events.

    Where KAFKA_BOOTSTRAP names a broker, also do what ``stream trainer`` does, unless one works here already.
    """
    stop = threading.Event()
    thread = threading.Thread(target=_keep, args=(workspace, stop), name="learning", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_END_SECONDS)  # a broker that is away holds nobody up: the log is the queue


def unsaved_lines(workspace: Path, enough: int) -> int:
    """Return how many lines of the log are behind what the state file reaches, counting to ``enough`` about.

    It only looks: neither numpy nor pydantic is imported.
    """
    try:
        with open_regular(workspace / STATE_NAME, follow=False) as state:
            offset = reach(os.read(state.fileno(), HEAD_BYTES))
    except OSError:
        offset = 0
    lines = 0
    try:
        with open_regular(workspace / LOG_NAME, follow=False) as log:
            if os.fstat(log.fileno()).st_size < offset:
                offset = 0
            log.seek(offset)
            while lines < enough and (data := log.read(_CHUNK)):
                lines += data.count(b"\n")
    except OSError:
        return 0
    return lines


def _keep(workspace: Path, stop: threading.Event) -> None:
    while learning_folder(workspace) is None:  # it may be made by a first search
        if stop.wait(_LOOK_SECONDS):
            return
    try:
        if os.environ.get(BOOTSTRAP_VARIABLE):
            from dspy_agent.streams.trainer_session import train

            train(workspace, background_steps(), stop)
        else:
            _snapshot(workspace, stop)
    except AgentError as error:
        tell(f"What is learned is not kept in the background: {error.message} {error.next}")
    except Exception as error:  # who works goes on
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        tell(f"What is learned is not kept in the background: {why.lower()}.")


def _snapshot(workspace: Path, stop: threading.Event) -> None:
    steps, policies = background_steps(), None
    while not stop.wait(_LOOK_SECONDS):
        if unsaved_lines(workspace, steps) >= steps:
            policies = policies or open_policy(workspace)
            policies.save()
