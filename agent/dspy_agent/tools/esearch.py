"""``esearch``: the code that answers a few words, ranked; no model is needed."""

from __future__ import annotations

from typing import Any

from dspy_agent.index.filters import chunk_mask
from dspy_agent.index.hits import Lines, to_hits
from dspy_agent.index.shared import current_index
from dspy_agent.tools.arguments import EsearchArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.queries import query_text
from dspy_agent_core.contracts.results import Hit, Hits
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import search


def run(arguments: EsearchArguments, context: ToolContext) -> Hits:
    """Search the index, brought up to date first.

    Raises:
        UsageError: ``NoQuery``, ``BadGlob`` or ``UnknownLanguage``.
    """
    query = parse_query(query_text(arguments.words, arguments.query, "esearch"))
    index = current_index(context.workspace)
    corpus = index.corpus
    mask = chunk_mask(corpus, context.workspace, arguments.globs or (), arguments.types or ())
    found = search(corpus, query, arguments.max_hits + 1, mask=mask)
    hits = to_hits(corpus, query, found[: arguments.max_hits], Lines(context.workspace))
    notes = list(index.notes)
    if not corpus.count:
        notes.append("There is no text to search in this workspace.")
    return Hits(hits, truncated=len(found) > len(hits) or None, notes=notes or None)


def render(result: Hits, arguments: EsearchArguments, console: Any) -> None:
    """Print each hit: where it is and why, then its first lines."""
    for number, hit in enumerate(result.hits):
        if number:
            console.out()
        _print_hit(hit, console, arguments.lines)


def _print_hit(hit: Hit, console: Any, lines: int) -> None:
    name = f" {hit.symbol}" if hit.symbol else ""
    console.out(
        f"{hit.path}:{hit.line}{name}", style=console.link(hit.path, hit.line) + console.get_style("bold")
    )
    console.out(f"  {hit.score:.2f}  {hit.why or ''}", style="dim")
    for line in (hit.text or "").splitlines()[:lines]:
        console.out(f"    {line}")


def notes(result: Hits, arguments: EsearchArguments) -> list[str]:
    """Say what was not found, and what is to be known of the index."""
    said = list(result.notes or ())
    if not result:
        said.append("Nothing in the index holds a word of that.")
    elif result.truncated:
        said.append(f"The best {len(result.hits)} are shown; see --max-hits.")
    return said
