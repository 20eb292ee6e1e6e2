"""The next steps after a conversation, by plain rules: what was not opened yet, what was not approved."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Final

from dspy_agent.loop.intent import asked_for
from dspy_agent.loop.step import Step
from dspy_agent.suggest.seen import Seen

_MOST: Final = 3


def next_steps(steps: Sequence[Step], seen: Sequence[Seen], task: str) -> list[str]:
    """Return commands of the session."""
    found: list[str] = [step.command for step in steps if not step.ran]
    landed = any(step.chosen == "apply" and step.found for step in steps)
    proposed = any(step.chosen == "edit" and step.found for step in steps)
    if landed:
        found.append("undo")
    elif proposed:
        found += ["diff", "apply"]
    elif "edit" in asked_for(task) and not any(step.chosen == "edit" for step in steps):
        found.append(f"edit {shlex.quote(task)}")
    taken = {one.words for one in seen}
    for one in reversed(seen):
        options = [("extract", one.symbols[:1]), ("codectx", one.paths[:1])]
        found += [
            shlex.join((tool, *names)) for tool, names in options if names and (tool, *names) not in taken
        ]
    if not found:
        found.append(f"plan {shlex.quote(task)}")
    return list(dict.fromkeys(found))[:_MOST]
