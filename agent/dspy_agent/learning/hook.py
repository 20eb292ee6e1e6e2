"""Where the program tells what was used. Nothing that goes wrong here reaches the user's answer."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from dspy_agent.learning.event import LOG_NAME, Event, encode
from dspy_agent.learning.log import append
from dspy_agent.learning.memory import Memory, held
from dspy_agent.learning.uses import Run, edited, opened, shown

_noted = False


def tool_ran(run: Run, workspace: Path, folder: Path) -> None:
    """Tell that ``run`` opens hits of searches before it, and what it shows itself.

    ``folder`` is the one from ``learning_folder``.
    """

    def events(memory: Memory, now: float) -> list[Event]:
        return [*opened(memory, run, workspace, now), shown(memory, run, workspace, now)]

    _tell(workspace, folder, events)


def files_changed(paths: Sequence[str], workspace: Path, folder: Path) -> None:
    """Tell which hits of the last searches are among ``paths``, whose content changed."""
    _tell(workspace, folder, lambda memory, now: edited(memory, paths, workspace, now))


def _tell(workspace: Path, folder: Path, events_of: Callable[[Memory, float], list[Event]]) -> None:
    """Add the events to the log. That a hit was told of is saved before: told once, or, killed, never."""
    global _noted
    try:
        with held(folder) as found:
            events = events_of(found.memory, time.time())
            if events:
                found.save()
                append(workspace / LOG_NAME, map(encode, events), made=lambda: _keep_from_git(workspace))
    except Exception as error:  # an answer is worth more than what is learned from it
        if not _noted:
            _noted = True
            what = getattr(error, "strerror", None) or str(error) or type(error).__name__
            sys.stderr.write(f"What was used could not be noted for learning: {what.lower()}.\n")


def _keep_from_git(workspace: Path) -> None:
    from dspy_agent.learning.exclude import keep_from_git

    keep_from_git(workspace, LOG_NAME)
