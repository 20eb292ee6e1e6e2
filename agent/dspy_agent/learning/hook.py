"""Where the program tells what was used. Nothing that goes wrong here reaches the user's answer."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from dspy_agent.learning import rewarded_waiting
from dspy_agent.learning.event import LOG_NAME, Choice, Event, encode
from dspy_agent.learning.log import append
from dspy_agent.learning.memory import Held, held
from dspy_agent.learning.place import TOOLS
from dspy_agent.learning.rewarded import at_once, came_of, carried, edited_as_planned, offered, remember
from dspy_agent.learning.rewarded_parts import with_reward
from dspy_agent.learning.rewarded_waiting import Waiting
from dspy_agent.learning.uses import Run, edited, opened, shown

_noted = False


def tool_ran(run: Run, workspace: Path, folder: Path) -> None:
    """Tell what ``run`` says of decisions before it, and that it was made.

    ``folder`` is the one from ``learning_folder``.
    """
    with _harmless(), _remembered(folder) as (found, waiting):
        now = time.time()
        run = carried(waiting, found.memory, run, now)
        if run.tool not in TOOLS and not run.decision_id:
            return  # it may have been what was suggested, and is not
        of_others = opened(found.memory, run, workspace, now)
        of_others += came_of(waiting, found.memory, run, workspace, now)
        if of_others:  # saved before they are told: killed in between, they are told never, and not twice
            found.save()
            rewarded_waiting.write(waiting.encode(), folder)
        event = shown(found.memory, run, workspace, now)
        choice = _choice(event)
        remember(waiting, found.memory, run, choice, now)
        append_events(workspace, [*of_others, event, *at_once(run, choice, workspace)])
        found.save()  # after it was told: no use is of a search that nobody knows


def suggested(run: Run, workspace: Path, folder: Path) -> None:
    """Remember that ``run``, without a result yet, was suggested: the one that makes it has its decision."""
    with _harmless(), _remembered(folder) as (found, waiting):
        offered(waiting, found.memory, run, time.time())
        found.save()  # its key
    _snapshot_if_due(workspace)


def _snapshot_if_due(workspace: Path) -> None:
    """Bring the state near the log, where no session does: the next suggestion has less to learn anew."""
    from dspy_agent.learning.background import unsaved_lines
    from dspy_agent.learning.policy_state import background_steps, open_policy
    from dspy_agent_core.errors import AgentError

    steps = background_steps()
    if unsaved_lines(workspace, steps) >= steps:
        with contextlib.suppress(OSError, AgentError):  # it is told where it is read
            open_policy(workspace, lambda text: None).save()


def files_changed(paths: Sequence[str], workspace: Path, folder: Path) -> None:
    """Tell which hits of searches, and steps of plans, are about ``paths``, whose content changed."""
    with _harmless(), _remembered(folder) as (found, waiting):
        now = time.time()
        uses = edited(found.memory, paths, workspace, now)
        uses += edited_as_planned(waiting, paths, workspace, now)
        if uses:
            found.save()
            rewarded_waiting.write(waiting.encode(), folder)
            append_events(workspace, uses)


def _choice(event: Event) -> Choice:
    policy = event["policy"]
    return Choice(
        event["decision_id"], event["tool"], event["args_hash"], (policy["name"], policy["version"])
    )


@contextlib.contextmanager
def _remembered(folder: Path) -> Iterator[tuple[Held, Waiting]]:
    """Hold both memories; what waits is written in the end, if it is not what it was."""
    with held(folder) as found:
        before = rewarded_waiting.read(folder)
        waiting = rewarded_waiting.decode(before)
        yield found, waiting
        after = waiting.encode()
        if after != before:
            rewarded_waiting.write(after, folder)


def append_events(workspace: Path, events: Sequence[Event]) -> None:
    """Put ``events`` with their rewards into the log of ``workspace``.

    Raises:
        OSError: they can't be written.
        ValueError: one is too long.
    """
    lines = [encode(with_reward(event)) for event in events]
    append(workspace / LOG_NAME, lines, made=lambda: _keep_from_git(workspace))


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
