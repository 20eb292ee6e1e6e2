"""Where a chunk stands, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.chunks import KINDS


@dataclass(frozen=True, slots=True)
class Place:
    """A chunk's place: ``path`` relative to the workspace, lines from 1 (``first``: of the comment above)."""

    path: str
    line: int
    end_line: int
    first: int
    symbol: str
    signature: str
    kind: str


def place_of(corpus: Corpus, chunk: int) -> Place:
    """Return where ``chunk`` stands."""
    segment, number = corpus.locate(chunk)
    arrays = segment.arrays
    return Place(
        path=segment.path(number),
        line=int(arrays["line"][number]),
        end_line=int(arrays["end_line"][number]),
        first=int(arrays["first"][number]),
        symbol=segment.text("symbols", number),
        signature=segment.text("signatures", number),
        kind=KINDS[int(arrays["kind"][number])],
    )
