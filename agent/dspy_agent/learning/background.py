"""Keeps the state file near the event log, so that who starts next has little to learn anew.

A session does it in a thread of its own; a one-shot command when there is much to do. Nothing depends on it.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType
from typing import Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.policy_state import STATE_NAME, Policies, background_steps, open_policy, tell
from dspy_agent.learning.state_file import HEAD_BYTES, reach
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import AgentError

_CHUNK: Final = 1 << 20


class Background:
    """A thread that snapshots what ``workspace`` has learned each RL_BACKGROUND_STEPS events.

    with Background(workspace) as background:
        ...
        background.poke()  # after each step
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._steps = background_steps()
        self._wake = threading.Event()
        self._ending = False
        self._said: set[str] = set()
        self._thread = threading.Thread(target=self._run, name="learning", daemon=True)

    def __enter__(self) -> Background:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the thread; a snapshot that it has begun is finished."""
        self._ending = True
        self._wake.set()
        self._thread.join()

    def poke(self) -> None:
        """Say that something may have been learned."""
        self._wake.set()

    def _run(self) -> None:
        policies: Policies | None = None
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._ending:
                return
            if unsaved_lines(self._workspace, self._steps) >= self._steps:
                policies = policies or open_policy(self._workspace, self._say)
                self._save(policies)

    def _save(self, policies: Policies) -> None:
        try:
            policies.save()
        except AgentError as error:
            self._say(f"{error.message} {error.next}")
        except Exception as error:  # who works goes on
            why = getattr(error, "strerror", None) or str(error) or type(error).__name__
            self._say(f"The state of the policy can't be saved: {why.lower()}.")

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            tell(text)


def snapshot_if_due(workspace: Path) -> bool:
    """Snapshot if RL_BACKGROUND_STEPS events have come since the last; return whether one was written.

    Raises:
        WorkspaceError: the state file is a later version's.
        OSError: it can't be written, or locked.
    """
    steps = background_steps()
    return unsaved_lines(workspace, steps) >= steps and open_policy(workspace).save()


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
