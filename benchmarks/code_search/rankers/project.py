"""This project's own index and its search, as ``dspy-agent index`` and ``esearch`` use them."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from benchmarks.code_search.score import Hit
from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.index import Index
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import search


class Project:
    """The whole way from files to a saved index; of each hit its place, without the snippet."""

    name = "project"

    def prepare(self, root: Path) -> float:
        """Index the files into a new folder."""
        self._folder = tempfile.TemporaryDirectory(prefix="code-search-")
        started = time.perf_counter()
        self._index = Index(root, IndexFolder(Path(self._folder.name)))
        self._index.update()
        seconds = time.perf_counter() - started
        self.chunks = self._index.corpus.count
        return seconds

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the ``k`` best places."""
        corpus = self._index.corpus
        places = (place_of(corpus, found.chunk) for found in search(corpus, parse_query(query), k))
        return [(place.path, place.line, place.end_line) for place in places]
