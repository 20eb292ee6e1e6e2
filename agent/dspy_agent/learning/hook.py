"""Where the program tells what was used. Nothing that goes wrong here reaches the user's answer."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dspy_agent.learning.event import LOG_NAME, Event, encode
from dspy_agent.learning.log import append
from dspy_agent.learning.memory import held
from dspy_agent.learning.uses import Run, edited, opened, shown

_noted = False


def tool_ran(run: Run, workspace: Path, folder: Path) -> None:
    """Tell that ``run`` opens hits of searches before it, and what it shows itself.

    ``folder`` is the one from ``learning_folder``.
    """
    with _harmless(), held(folder) as found:
        now = time.time()
        uses = opened(found.memory, run, workspace, now)
        if uses:
            found.save()  # before they are told: killed in between, they are told never, and not twice
        _append(workspace, [*uses, shown(found.memory, run, workspace, now)])
        found.save()  # after it was told: no use is of a search that nobody knows


def files_changed(paths: Sequence[str], workspace: Path, folder: Path) -> None:
    """Tell which hits of the last searches are among ``paths``, whose content changed."""
    with _harmless(), held(folder) as found:
        uses = edited(found.memory, paths, workspace, time.time())
        if uses:
            found.save()
            _append(workspace, uses)


def _append(workspace: Path, events: list[Event]) -> None:
    append(workspace / LOG_NAME, map(encode, events), made=lambda: _keep_from_git(workspace))


@contextlib.contextmanager
def _harmless() -> Iterator[None]:
    """Turn whatever goes wrong in the block into one sentence, once."""
    global _noted
    try:
        yield
    except Exception as error:  # an answer is worth more than what is learned from it
        if not _noted:
            _noted = True
            what = getattr(error, "strerror", None) or str(error) or type(error).__name__
            sys.stderr.write(f"What was used could not be noted for learning: {what.lower()}.\n")


def _keep_from_git(workspace: Path) -> None:
    from dspy_agent.learning.exclude import keep_from_git

    keep_from_git(workspace, LOG_NAME)
