"""Functions in their files, as ``edit`` shows them to a model and puts its answers back."""

from __future__ import annotations

from pathlib import Path

from dspy_agent.edits.layout import indented, string_lines
from dspy_agent.edits.source import Source, read_source
from dspy_agent.edits.splice import Slot, slot_of
from dspy_agent_core.errors import AgentError


def find_slot(workspace: Path, path: str, symbol: str, line: int) -> Slot | None:
    """Return the place of a function; None if it is not there any more, or can't be edited."""
    try:
        return _slot(read_source(workspace, path), symbol, line)
    except AgentError:
        return None


def with_text(slot: Slot, text: str) -> Slot | None:
    """Return the place in a file in which the function is ``text``; None if it is none there."""
    source, symbol = slot.source, slot.symbol
    fixed = string_lines(text)
    lines = source.lines
    new = [f"{line}{source.newline}" for line in indented(text.split("\n"), slot.margin, fixed)]
    lines[symbol.line - 1 : symbol.end_line] = new
    changed = Source(source.path, "".join(lines), source.encoding, source.bom)
    try:
        return _slot(changed, symbol.qualified, symbol.line)
    except AgentError:
        return None


def _slot(source: Source, symbol: str, line: int) -> Slot | None:
    found = source.symbol(symbol, line)
    return slot_of(source, found) if found is not None else None
