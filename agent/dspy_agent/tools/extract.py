"""``extract``: the source of a function, class or method by its name."""

from __future__ import annotations

from typing import Any

from dspy_agent.code.find import find_definitions, split_name, suggest_names
from dspy_agent.tools.arguments import ExtractArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import confine, display
from dspy_agent_core.contracts.results import Hit, Hits
from dspy_agent_core.errors import UsageError


def run(arguments: ExtractArguments, context: ToolContext) -> Hits:
    """Return the definitions of ``arguments.symbol`` with their source, the best first.

    Raises:
        UsageError: if the name is empty.
        WorkspaceError: if the name begins with a path that is not there.
    """
    path, name = split_name(arguments.symbol)
    if not name or any(char in name for char in "\n\0"):
        raise UsageError(
            "The symbol's name is empty or no name.",
            code="BadSymbol",
            next="Try: dspy-agent extract Class.method",
        )
    within = confine(context.workspace, path) if path else None
    found = find_definitions(context.workspace, name, within)
    if not found:
        return Hits(similar=suggest_names(context.workspace, name))
    hits = [
        Hit(
            display(definition.path),
            line=definition.symbol.line,
            end_line=definition.symbol.end_line,
            symbol=definition.symbol.qualified,
            text=definition.source,
            why=definition.why,
        )
        for definition in found[: arguments.max_hits]
    ]
    return Hits(hits, truncated=len(found) > len(hits) or None)


def render(result: Hits, arguments: ExtractArguments, console: Any) -> None:
    """Print each definition under a line that names it."""
    for number, hit in enumerate(result.hits):
        if number:
            console.out()
        console.out(f"{hit.path}:{hit.line}-{hit.end_line} {hit.symbol} ({hit.why})", style="bold")
        console.out(hit.text or "")


def notes(result: Hits, arguments: ExtractArguments) -> list[str]:
    """Say what was not found, with names like it."""
    if result.truncated:
        return [f"Only the first {len(result.hits)} definitions are shown; see --max-hits."]
    if result:
        return []
    near = f" Names like it: {', '.join(result.similar)}." if result.similar else ""
    return [f"No definition of {arguments.symbol} found in the languages that can be parsed.{near}"]
