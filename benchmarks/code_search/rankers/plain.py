"""BM25 as a library gives it: bm25s, its own tokenizer and English stop words, over the text of functions."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.code_search.rankers.functions import functions
from benchmarks.code_search.score import Hit


class PlainBm25s:
    """The peer "bm25s plain". Splitting the tree into functions is not counted: it is given them."""

    name = "bm25s"

    def prepare(self, root: Path) -> float:
        """Index the functions."""
        import bm25s  # type: ignore[import-not-found]

        found = list(functions(root))
        self._places = [(one.path, one.line, one.end_line) for one, _ in found]
        started = time.perf_counter()
        self._index = bm25s.BM25()
        self._index.index(
            bm25s.tokenize([text for _, text in found], show_progress=False), show_progress=False
        )
        return time.perf_counter() - started

    def search(self, query: str, k: int) -> list[Hit]:
        """Return the ``k`` best functions with a score above zero."""
        import bm25s

        tokens = bm25s.tokenize([query], show_progress=False)
        best, scores = self._index.retrieve(tokens, k=min(k, len(self._places)), show_progress=False)
        return [self._places[i] for i, score in zip(best[0], scores[0], strict=True) if score > 0]
