"""Tells which steps an answer rests on: what was cited was of use, though nobody opened it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from dspy_agent.learning.place import learning_folder

_CITATION: Final = re.compile(r"\[(\d{1,2})\]")


@dataclass(frozen=True, slots=True)
class Told:
    """A step that was told as a decision: its number, what ran, and who chose it."""

    number: int
    decision_id: str
    tool: str
    arguments: Any
    policy: tuple[str, str]


def credit(answer: str, steps: Sequence[Told], workspace: Path) -> None:
    """Write a learning event for each of ``steps`` that ``answer`` cites, where events are written.

    What can't be written is left out: the answer is worth more.
    """
    named = {int(number) for number in _CITATION.findall(answer)}
    used = [step for step in steps if step.number in named]
    folder = learning_folder(workspace) if used else None
    if folder is None:
        return
    from dspy_agent.learning.event import Choice, new_event
    from dspy_agent.learning.hook import append_events
    from dspy_agent.learning.memory import held

    with contextlib.suppress(OSError, ValueError):
        with held(folder) as found:
            hashes = [found.memory.hash_of(step.arguments) for step in used]
        events = [
            new_event(
                Choice(step.decision_id, step.tool, args_hash, step.policy),
                {"use": "cited"},
                id=f"{step.decision_id}-cited-1",
                workspace=workspace,
                source="session",
            )
            for step, args_hash in zip(used, hashes, strict=True)
        ]
        append_events(workspace, events)
