"""``ls``: the entries of one folder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from dspy_agent.tools.arguments import LsArguments
from dspy_agent.tools.base import ToolContext


@dataclass(frozen=True, slots=True)
class Listing:
    """The entries of a folder: names, folders with a trailing slash."""

    path: str
    entries: list[str] = field(default_factory=list)


def run(arguments: LsArguments, context: ToolContext) -> Listing:
    """List ``arguments.path``."""
    folder = context.workspace / arguments.path
    entries = sorted(p.name + ("/" if p.is_dir() else "") for p in folder.iterdir())
    return Listing(arguments.path, entries)


def render(result: Listing, arguments: LsArguments, console: Any) -> None:
    """Print one entry a line."""
    for entry in result.entries:
        console.print(entry, markup=False)
