"""This project's own index and searches, as ``esearch`` and ``vretr`` use them, whole and in parts."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.code_search.score import Hit
from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.index import Index
from dspy_agent.index.semantic import Semantic
from dspy_agent_core.index.bm25f import DEFAULT
from dspy_agent_core.index.fuse import fuse
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import RULES, search

_DEPTH = 100


class Project:
    """The whole way from files to a saved index; of each hit its place, without the snippet."""

    name = "project"
    weights, rules, related = DEFAULT, RULES, True

    def prepare(self, root: Path) -> float:
        """Index the files into a new folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="code-search-")
        started = time.perf_counter()
        self._index = Index(root, IndexFolder(Path(self._folder.name)))
        self._index.update()
        self._also_prepare()
        return time.perf_counter() - started

    def _also_prepare(self) -> None:
        """Do what else is to be done before a search."""

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the ``k`` best places."""
        corpus = self._index.corpus
        places = (place_of(corpus, chunk) for chunk in self._chunks(query, k))
        return [(place.path, place.line, place.end_line) for place in places]

    def _chunks(self, query: str, k: int) -> list[int]:
        parsed = parse_query(query, related=self.related)
        found = search(self._index.corpus, parsed, k, self.weights, self.rules)
        return [hit.chunk for hit in found]


class WithVectors(Project):
    """Words and the vectors of the default model, put together by rank."""

    name = "project and vectors"

    def _also_prepare(self) -> None:
        self._semantic = Semantic(self._index)
        self._semantic.fill()

    def _chunks(self, query: str, k: int) -> list[int]:
        worded, near = super()._chunks(query, _DEPTH), self._near(query)
        return [chunk for chunk, _ in fuse(worded, near, self._semantic.weight)][:k]

    def _near(self, query: str) -> list[int]:
        return [chunk for chunk, _ in self._semantic.search(query, _DEPTH)]


class VectorsAlone(WithVectors):
    """The vectors of the default model, without words."""

    name = "vectors alone"

    def _chunks(self, query: str, k: int) -> list[int]:
        return self._near(query)[:k]


class WithoutFields(Project):
    """Each word counts the same wherever it stands."""

    name = "project without fields"
    weights = replace(DEFAULT, fields=(1.0,) * len(DEFAULT.fields))


class WithoutRules(Project):
    """BM25F alone, without what is known of code."""

    name = "project without rules"
    rules = replace(
        RULES,
        **dict.fromkeys(("share", "name_share", "path_share", "whole_name", "exact_name"), 0.0),
        **dict.fromkeys(("test", "example", "generated", "module", "prose", "type", "same_file"), 1.0),
        qualified_name=0.0,
        declaration=1.0,
        constant=1.0,
    )


class WithoutRelated(Project):
    """The query's own words alone, without abbreviations and synonyms."""

    name = "project without related words"
    related = False
