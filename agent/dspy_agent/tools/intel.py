"""``intel``: one answer from the graph, words, vectors and the logs, with the evidence for each item."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from dspy_agent.index.evidence import Evidence, Gathered, gather
from dspy_agent.index.hits import Lines, hit_of
from dspy_agent.index.shared import current_index
from dspy_agent.tools.arguments import IntelArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.ctx import key_events
from dspy_agent.tools.queries import query_text
from dspy_agent_core.contracts.results import Hit, Hits, LogEvent
from dspy_agent_core.errors import AgentError, UsageError
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import parse_query

PARTS: Final = ("graph", "text", "vectors", "logs")
_CHARACTERS_A_TOKEN: Final = 3.5
_OVERHEAD: Final = 60  # characters of an item beside its text


def run(arguments: IntelArguments, context: ToolContext) -> Hits:
    """Gather what is known of the words.

    Raises:
        UsageError: ``NoQuery``, or ``UnknownPart``.
    """
    text = query_text(arguments.words, arguments.query, "intel")
    parts = _parts(arguments)
    index = current_index(context.workspace)
    notes = list(index.notes)
    events = _events(context, notes) if "logs" in parts else []
    gathered = gather(index, text, events, parts, arguments.max_hits, notes)
    hits, cut = _within_budget(gathered, text, arguments, context)
    return Hits(hits, truncated=cut or None, notes=notes or None)


def _parts(arguments: IntelArguments) -> frozenset[str]:
    left_out = frozenset(arguments.without or ())
    unknown = sorted(left_out - frozenset(PARTS))
    if unknown:
        raise UsageError(
            f"There is no part {unknown[0]!r}.", code="UnknownPart", next=f"Use one of: {', '.join(PARTS)}"
        )
    if left_out >= {"text", "vectors", "logs"}:
        raise UsageError(
            "The graph alone has nothing to begin with.",
            code="NoParts",
            next="Leave text, vectors or logs in.",
        )
    return frozenset(PARTS) - left_out


def _events(context: ToolContext, notes: list[str]) -> list[LogEvent]:
    try:
        return key_events(context)
    except AgentError as error:
        if error.code != "NoLogs":
            notes.append(f"Without logs: {error.message}")
        return []


def _within_budget(
    gathered: Gathered, text: str, arguments: IntelArguments, context: ToolContext
) -> tuple[list[Hit], bool]:
    """Return the items as hits, as many and as much of each as the budget holds; and whether that cut."""
    query, lines = parse_query(text), Lines(context.workspace)
    left = arguments.budget * _CHARACTERS_A_TOKEN
    hits: list[Hit] = []
    for item in gathered.items:
        place = place_of(gathered.corpus, item.chunk)
        hit = hit_of(place, query, lines, item.score, _why(item))
        hit = replace(hit, evidence=list(item.reasons))
        size = _OVERHEAD + len(hit.path) + len(hit.text or "") + sum(map(len, item.reasons))
        if size > left and hits:
            hit = replace(hit, text=place.signature or (hit.text or "").partition("\n")[0])
            size = _OVERHEAD + len(hit.path) + len(hit.text or "") + sum(map(len, item.reasons))
        if size > left and hits:
            return hits, True
        left -= size
        hits.append(hit)
    return hits, gathered.more


def _why(item: Evidence) -> str:
    return "; ".join(item.reasons)


def render(result: Hits, arguments: IntelArguments, console: Any) -> None:
    """Print each item with its evidence a line each, then its beginning."""
    for number, hit in enumerate(result.hits):
        if number:
            console.out()
        name = f" {hit.symbol}" if hit.symbol else ""
        style = console.link(hit.path, hit.line) + console.get_style("bold")
        console.out(f"{hit.path}:{hit.line}{name}", style=style)
        for reason in hit.evidence or ():
            console.out(f"  · {reason}", style="dim")
        for line in (hit.text or "").splitlines()[:4]:
            console.out(f"    {line}")


def notes(result: Hits, arguments: IntelArguments) -> list[str]:
    """Say what was not found, and what is to be known of the evidence."""
    said = list(result.notes or ())
    if not result:
        said.append("Nothing here is known of that.")
    elif result.truncated:
        said.append("There is more; raise --budget or --max-hits.")
    return said
