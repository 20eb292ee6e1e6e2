"""The words of a task, as ``plan`` and ``chat`` take them."""

from __future__ import annotations

from collections.abc import Sequence

from dspy_agent_core.errors import UsageError


def task_text(words: Sequence[str] | None, tool: str) -> str:
    """Return the task.

    Raises:
        UsageError: ``NoTask``, if there is none.
    """
    text = " ".join(words or ()).strip()
    if not text:
        raise UsageError(
            "There is no task.",
            code="NoTask",
            next=f"Say what is to be done: dspy-agent {tool} 'why does parse_date fail'",
        )
    return text
