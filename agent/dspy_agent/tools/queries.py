"""The words of a search, however they were given: as they are, or behind an option."""

from __future__ import annotations

from collections.abc import Sequence

from dspy_agent_core.errors import UsageError


def query_text(words: Sequence[str] | None, query: str | None, tool: str) -> str:
    """Return what is looked for.

    Raises:
        UsageError: ``NoQuery``, if there is nothing.
    """
    text = " ".join([*(words or ()), *([query] if query else ())]).strip()
    if not text:
        raise UsageError(
            "Nothing to look for.", code="NoQuery", next=f"Try: dspy-agent {tool} 'parse a date'"
        )
    return text
