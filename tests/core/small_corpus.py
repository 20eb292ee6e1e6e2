"""A corpus made of a few Python files."""

from __future__ import annotations

from dspy_agent_core.code.python_source import parse_python
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.build import SegmentBuilder, SourceFile
from dspy_agent_core.index.places import Place, place_of
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import search
from dspy_agent_core.index.segment import Segment


def segment_of(files: dict[str, str]) -> Segment:
    """Return a segment of the files path → text."""
    builder = SegmentBuilder()
    for path, text in files.items():
        builder.add(SourceFile(path, text, parse_python(text) if path.endswith(".py") else None))
    return Segment(builder.arrays())


def corpus_of(*parts: dict[str, str]) -> Corpus:
    """Return a corpus with a segment for each of ``parts``."""
    return Corpus([segment_of(files) for files in parts])


def found(corpus: Corpus, text: str, limit: int = 10) -> list[Place]:
    """Return the places that a search finds, best first."""
    return [place_of(corpus, hit.chunk) for hit in search(corpus, parse_query(text), limit)]


def chunk_named(corpus: Corpus, symbol: str, path: str | None = None) -> int:
    """Return the chunk of a symbol."""
    for chunk in range(corpus.size):
        place = place_of(corpus, chunk)
        if place.symbol == symbol and path in (None, place.path):
            return chunk
    raise LookupError(symbol)
