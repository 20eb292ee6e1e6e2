"""Chunks to hits: where they are, what they say, why they are there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from dspy_agent.index.extract import read_lines
from dspy_agent.workspace.paths import confine, display
from dspy_agent_core.contracts.results import Hit
from dspy_agent_core.errors import WorkspaceError
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.places import Place, place_of
from dspy_agent_core.index.query import Query
from dspy_agent_core.index.rank import Found, matched_fields
from dspy_agent_core.index.terms import CALL, term_hash, terms_of, words_of

SNIPPET_LINES = 12
_KEPT = 200  # files whose lines are kept in memory
_LONG_LINE = 300


class Lines:
    """The lines of the workspace's files, as they are now."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._files: dict[str, list[str]] = {}

    def of(self, path: str) -> list[str]:
        """Return the lines of a file as they are indexed; none if it can't be read."""
        if path not in self._files:
            if len(self._files) >= _KEPT:
                self._files.clear()
            try:
                confine(self._workspace, path)  # a folder may be a symlink by now
                self._files[path] = read_lines(os.fspath(self._workspace), path)
            except WorkspaceError:
                self._files[path] = []
        return self._files[path]

    def between(self, path: str, first: int, last: int) -> list[str]:
        """Return the lines ``first`` to ``last`` of a file, without their line ends."""
        return [line.rstrip("\r") for line in self.of(path)[first - 1 : last]]


def to_hits(corpus: Corpus, query: Query, found: Iterable[Found], lines: Lines) -> list[Hit]:
    """Return ``found`` as hits with a snippet of at most ``SNIPPET_LINES`` lines."""
    hits = []
    for item in found:
        place = place_of(corpus, item.chunk)
        why = [item.why] if item.why else []
        why += [
            f"{field}: {', '.join(terms[:5])}"
            for field, terms in matched_fields(corpus, item.chunk, query).items()
        ]
        hits.append(hit_of(place, query, lines, item.score, "; ".join(why)))
    return hits


def hit_of(place: Place, query: Query, lines: Lines, score: float, why: str) -> Hit:
    """Return the hit for a place."""
    return Hit(
        display(place.path),
        line=place.line,
        end_line=place.end_line,
        symbol=place.symbol or None,
        text=snippet(lines.between(place.path, place.line, place.end_line), query, whole=bool(place.symbol)),
        score=round(score, 3),
        why=why or None,
    )


def snippet(lines: Sequence[str], query: Query, *, whole: bool) -> str:
    """Return the lines that show a chunk: its beginning (``whole``), or where the words are densest."""
    start = 0
    if not whole and len(lines) > SNIPPET_LINES:
        wanted = {term for term, weight in query.terms.items() if weight >= 0.2}
        has = [len(wanted & _term_hashes(line[:2000])) for line in lines]
        sums = [sum(has[at : at + SNIPPET_LINES]) for at in range(len(lines) - SNIPPET_LINES + 1)]
        start = sums.index(max(sums))
    shown = [
        line if len(line) <= _LONG_LINE else f"{line[:_LONG_LINE]}… [{len(line) - _LONG_LINE} more]"
        for line in lines[start : start + SNIPPET_LINES]
    ]
    return "\n".join(shown).rstrip()


def _term_hashes(line: str) -> set[int]:
    return {term_hash(term) for word in words_of(line) for term in terms_of(word.rstrip(CALL))}
