"""Gathers evidence: hits by words and vectors, frames of log events, and what belongs to them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from dspy_agent.index.index import Index
from dspy_agent.index.semantic import Semantic
from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.errors import AgentError
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.fuse import fuse
from dspy_agent_core.index.graph import Edge, Graph, neighbourhood, personalised_pagerank
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import Query, parse_query
from dspy_agent_core.index.rank import matched_fields, search
from dspy_agent_core.index.terms import CALL, term_hash, terms_of, words_of

_SEEDS: Final = 12
_NEIGHBOURS: Final = 300
_EVENTS: Final = 8
_GRAPH_SHARE: Final = 0.35  # of an item's score that comes from the walks
_LOG_TEXT: Final = """
    error errors exception exceptions crash crashes crashed fail fails failed failing failure log logs
    traceback stacktrace panic broken breaks bug warning incident timeout down wrong
"""
_LOG_WORDS: Final = frozenset(_LOG_TEXT.split())


@dataclass(frozen=True, slots=True)
class Evidence:
    """A chunk, its score (the best has 1), and the reasons: what kind of evidence says so, and how."""

    chunk: int
    score: float
    reasons: tuple[str, ...]


@dataclass(slots=True)
class Gathered:
    """What was found, best first, and whether there is ``more``."""

    corpus: Corpus
    items: list[Evidence] = field(default_factory=list)
    more: bool = False


@dataclass(slots=True)
class _Board:
    """Direct scores (0..1) and reasons of chunks."""

    scores: dict[int, float] = field(default_factory=dict)
    reasons: dict[int, list[str]] = field(default_factory=dict)

    def add(self, chunk: int, score: float, reason: str) -> None:
        self.scores[chunk] = self.scores.get(chunk, 0.0) + score
        self.reasons.setdefault(chunk, []).append(reason)


def gather(
    index: Index, text: str, events: Sequence[LogEvent], parts: frozenset[str], limit: int, notes: list[str]
) -> Gathered:
    """Return what is known of ``text``; what could not be asked is told in ``notes``."""
    corpus, query, board = index.corpus, parse_query(text), _Board()
    found = Gathered(corpus)
    if not corpus.count:
        return found
    worded = search(corpus, query, 50) if "text" in parts else []
    near, weight = _near(index, text, notes) if "vectors" in parts else ([], 0.0)
    word_ranks = {hit.chunk: rank for rank, hit in enumerate(worded, 1)}
    near_ranks = {chunk: rank for rank, (chunk, _) in enumerate(near, 1)}
    for chunk, score in fuse([hit.chunk for hit in worded], [chunk for chunk, _ in near], weight):
        if chunk in word_ranks:
            fields = matched_fields(corpus, chunk, query)
            said = ", ".join(f"{name} {'+'.join(terms[:4])}" for name, terms in fields.items())
            board.add(chunk, score, f"text #{word_ranks[chunk]}: {said}")
        if chunk in near_ranks:
            cosine = near[near_ranks[chunk] - 1][1]
            board.add(
                chunk, 0.0 if chunk in word_ranks else score, f"vectors #{near_ranks[chunk]}: {cosine:.2f}"
            )
    _add_frames(board, corpus, query, text, events)
    walked = _walk(board, corpus) if "graph" in parts else {}
    items = _combined(board, walked)
    found.items = items[:limit]
    found.more = len(items) > limit
    return found


def _near(index: Index, text: str, notes: list[str]) -> tuple[list[tuple[int, float]], float]:
    """Return the nearest chunks by vectors, where some were made, and how much they count."""
    if not (index.folder / "vectors").is_dir():
        return [], 0.0
    try:
        semantic = Semantic(index)
        return semantic.search(text, 50), semantic.weight
    except AgentError as error:
        notes.append(f"Without vectors: {error.message} ({error.next})")
        return [], 0.0


def _add_frames(board: _Board, corpus: Corpus, query: Query, text: str, events: Sequence[LogEvent]) -> None:
    """Add the chunks in which log events happened, by how much the question and the event have in common."""
    asked = bool(_LOG_WORDS & set(text.lower().split()))
    judged = sorted(
        ((_overlap(query, event), at, event) for at, event in enumerate(events)), key=_by_relevance
    )
    for overlap, at, event in judged[:_EVENTS]:
        if event.frame is None or not event.frame.line or (not overlap and not asked):
            continue
        chunk = chunk_at(corpus, event.frame.path, event.frame.line)
        if chunk is not None:
            times = f" ({event.count}×)" if event.count > 1 else ""
            message = " ".join(event.message.split())[:80]
            weight = 0.4 * overlap + (0.5 / (1 + at) if asked else 0.0) + 0.1
            board.add(
                chunk,
                weight,
                f"log: {event.type or event.level}: {message}{times} at line {event.frame.line}",
            )


def _by_relevance(judged: tuple[float, int, LogEvent]) -> tuple[float, int]:
    return -judged[0], judged[1]


def _overlap(query: Query, event: LogEvent) -> float:
    """Return the share (0..1) of the question's weight that stands in the event."""
    parts = [event.type or "", event.message, *(event.cause or ())]
    parts += [event.frame.path, event.frame.function or ""] if event.frame else []
    has = {
        term_hash(term) for part in parts for word in words_of(part) for term in terms_of(word.rstrip(CALL))
    }
    whole = sum(query.terms.values())
    return sum(weight for term, weight in query.terms.items() if term in has) / whole if whole else 0.0


def chunk_at(corpus: Corpus, path: str, line: int) -> int | None:
    """Return the smallest chunk of the file ``path`` around ``line``; None if the index has no such file."""
    for base, segment in zip(corpus.starts.tolist(), corpus.segments, strict=False):
        try:
            number = segment.paths.index(path)
        except ValueError:
            continue
        if not segment.alive_files[number]:
            continue
        arrays = segment.arrays
        inside = np.flatnonzero(
            (arrays["chunk_file"] == number) & (arrays["line"] <= line) & (arrays["end_line"] >= line)
        )
        if len(inside):
            sizes = arrays["end_line"][inside].astype(int) - arrays["line"][inside]
            return int(base) + int(inside[int(np.argmin(sizes))])
    return None


def _walk(board: _Board, corpus: Corpus) -> dict[int, tuple[float, list[str]]]:
    """Return the shares of walks from the direct evidence (highest 1), and how each chunk is tied to it."""
    seeds = dict(sorted(board.scores.items(), key=lambda pair: -pair[1])[:_SEEDS])
    edges = neighbourhood(Graph(corpus), seeds, _NEIGHBOURS)
    ranks = personalised_pagerank(edges, seeds)
    highest = max(ranks.values(), default=0.0)
    ties = _ties(corpus, edges, seeds)
    return {chunk: (rank / highest, ties.get(chunk, [])) for chunk, rank in ranks.items()} if highest else {}


def _ties(corpus: Corpus, edges: Iterable[Edge], seeds: dict[int, float]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    inverse = {
        **{"calls": "called by", "called by": "calls", "tests": "tested by", "tested by": "tests"},
        **{
            "contains": "part of",
            "part of": "contains",
            "inherits from": "base of",
            "base of": "inherits from",
        },
    }
    for edge in sorted(edges, key=lambda edge: -seeds.get(edge.source, 0.0)):
        if edge.source in seeds:
            name = place_of(corpus, edge.source).symbol or place_of(corpus, edge.source).path
            said = f"graph: {inverse[edge.relation]} {name}"
            reasons = found.setdefault(edge.target, [])
            if said not in reasons and len(reasons) < 3:
                reasons.append(said)
    return found


def _combined(board: _Board, walked: dict[int, tuple[float, list[str]]]) -> list[Evidence]:
    highest = max(board.scores.values(), default=0.0) or 1.0
    share = _GRAPH_SHARE if walked else 0.0
    items = []
    for chunk in {*board.scores, *walked}:
        direct = board.scores.get(chunk, 0.0) / highest
        rank, ties = walked.get(chunk, (0.0, []))
        reasons = (*board.reasons.get(chunk, ()), *ties)
        if reasons:
            items.append(Evidence(chunk, (1 - share) * direct + share * rank, reasons))
    return sorted(items, key=lambda item: (-item.score, item.chunk))
