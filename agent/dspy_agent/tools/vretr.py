"""``vretr``: the code nearest in meaning, by vectors, put together with the search by words."""

from __future__ import annotations

import threading
from typing import Any

from dspy_agent.index.filters import chunk_mask
from dspy_agent.index.hits import Lines, hit_of
from dspy_agent.index.semantic import Semantic
from dspy_agent.index.shared import current_index
from dspy_agent.tools.arguments import VretrArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.queries import query_text
from dspy_agent_core.contracts.results import Hits
from dspy_agent_core.errors import AgentError, UsageError
from dspy_agent_core.index.fuse import fuse
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import search

_CATCH_UP_SECONDS = 5.0
_DEPTH = 100


def run(arguments: VretrArguments, context: ToolContext) -> Hits:
    """Search by vectors and words. Without vectors, by words alone, and say why.

    Raises:
        UsageError: ``NoQuery``, ``NoParts``, ``BadGlob`` or ``UnknownLanguage``.
        MissingRequirement, ModelError, VectorStoreError: only where the search by words is switched off.
    """
    text = query_text(arguments.words, arguments.query, "vretr")
    if not arguments.text and not arguments.vectors:
        raise UsageError("Both parts are switched off.", code="NoParts", next="Leave out --no-text.")
    index = current_index(context.workspace)
    notes = list(index.notes)
    near: list[tuple[int, float]] = []
    weight = 0.0
    corpus = index.corpus
    mask = chunk_mask(corpus, context.workspace, arguments.globs or (), arguments.types or ())
    if arguments.vectors:
        try:
            semantic = Semantic(index)
            weight = semantic.weight
            near = _nearest(semantic, text, mask, notes)
        except AgentError as error:
            if not arguments.text:
                raise
            notes.append(f"{error.message} Searched by words alone. ({error.next})")
    query = parse_query(text)
    worded = search(corpus, query, _DEPTH, mask=mask) if arguments.text else []
    fused = fuse([hit.chunk for hit in worded], [chunk for chunk, _ in near], weight)
    lines = Lines(context.workspace)
    word_ranks = {hit.chunk: rank for rank, hit in enumerate(worded, 1)}
    near_ranks = {chunk: (rank, cosine) for rank, (chunk, cosine) in enumerate(near, 1)}
    hits = []
    for chunk, score in fused[: arguments.max_hits]:
        why = []
        if chunk in near_ranks:
            rank, cosine = near_ranks[chunk]
            why.append(f"vectors: #{rank} ({cosine:.2f})")
        if chunk in word_ranks:
            why.append(f"words: #{word_ranks[chunk]}")
        hits.append(hit_of(place_of(corpus, chunk), query, lines, score, "; ".join(why)))
    return Hits(hits, truncated=len(fused) > len(hits) or None, notes=notes or None)


def _nearest(semantic: Semantic, text: str, mask: Any, notes: list[str]) -> list[tuple[int, float]]:
    """Return the nearest chunks, after making what vectors a few seconds allow."""
    if not semantic.is_complete():
        stop = threading.Event()
        timer = threading.Timer(_CATCH_UP_SECONDS, stop.set)
        timer.start()
        try:
            semantic.fill(stop=stop)
        finally:
            timer.cancel()
    have, total = (1, 1) if semantic.is_complete() else semantic.covered()
    if have < total:
        others = semantic.others()
        also = f" Vectors by {', '.join(others)} are here too, and not mixed with them." if others else ""
        notes.append(
            f"{have:,} of {total:,} chunks have a vector by {semantic.embedder.model} so far; "
            f"make the others with: dspy-agent emb-index.{also}"
        )
    notes += semantic.store.notes
    return semantic.search(text, _DEPTH, mask)


def notes(result: Hits, arguments: VretrArguments) -> list[str]:
    """Say what was not found, and what is to be known of the vectors."""
    return [*(result.notes or ()), *([] if result else ["Nothing in the index is near to that."])]
