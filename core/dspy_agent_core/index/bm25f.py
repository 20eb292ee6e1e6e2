"""BM25F over segments.

Robertson, Zaragoza and Taylor, Simple BM25 Extension to Multiple Weighted Fields, CIKM 2004.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.index.build import FIELDS
from dspy_agent_core.index.segment import Segment


@dataclass(frozen=True, slots=True)
class Weights:
    """How much a term in each field counts, how strongly its length does (0..1), and where it saturates."""

    fields: tuple[float, ...] = (6.0, 2.0, 3.2, 3.2, 1.8, 1.0)
    lengths: tuple[float, ...] = (0.3, 0.3, 0.3, 0.5, 0.6, 0.6)
    saturation: float = 1.6


DEFAULT: Final = Weights()


class Corpus:
    """The chunks of several segments, numbered one segment after the other."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        self.segments = tuple(segments)
        self.starts = np.cumsum([0, *(segment.chunks for segment in segments)])
        self._bounds: list[int] = self.starts.tolist()
        self.size = self._bounds[-1]

    @cached_property
    def alive(self) -> NDArray[np.bool_]:
        """(size,) which chunks are still those of the workspace."""
        return np.concatenate([s.alive for s in self.segments]) if self.segments else np.zeros(0, np.bool_)

    @cached_property
    def count(self) -> int:
        """How many chunks are alive."""
        return int(self.alive.sum())

    @cached_property
    def mean_lengths(self) -> NDArray[np.float64]:
        """(fields,) the mean length of each field where it isn't empty."""
        total, filled = np.zeros(len(FIELDS)), np.zeros(len(FIELDS))
        for segment in self.segments:
            lengths = segment.arrays["lengths"]
            lengths = lengths if segment.whole else lengths[segment.alive]
            total += lengths.sum(0, dtype=np.int64)
            filled += np.count_nonzero(lengths, axis=0)
        return np.maximum(total, 1) / np.maximum(filled, 1)

    def locate(self, chunk: int) -> tuple[Segment, int]:
        """Return the segment of a chunk and its number there."""
        number = bisect_right(self._bounds, chunk) - 1
        return self.segments[number], chunk - self._bounds[number]


@dataclass(frozen=True, slots=True)
class Scores:
    """For each chunk its ``score`` and the ``share`` (0..1) of the query's weight that it has."""

    score: NDArray[np.float64]
    share: NDArray[np.float64]
    idf: dict[int, float]


def score(corpus: Corpus, query: Mapping[int, float], weights: Weights = DEFAULT) -> Scores:
    """Score all chunks for ``query``: hashes of terms and how much each counts."""
    total = np.zeros(corpus.size)
    share = np.zeros(corpus.size)
    found: dict[int, float] = {}
    field_weights = np.array(weights.fields)
    b = np.array(weights.lengths)
    for term, importance in query.items():
        parts = [
            _frequencies(segment, term, corpus.mean_lengths, field_weights, b) for segment in corpus.segments
        ]
        documents = sum(len(chunks) for chunks, _ in parts)
        idf = float(np.log1p((corpus.count - documents + 0.5) / (documents + 0.5)))
        found[term] = idf
        for start, (chunks, frequency) in zip(corpus.starts, parts, strict=False):
            total[start + chunks] += importance * idf * frequency / (frequency + weights.saturation)
            share[start + chunks] += importance * idf
    whole = sum(importance * found[term] for term, importance in query.items())
    return Scores(total, share / whole if whole else share, found)


def _frequencies(
    segment: Segment,
    term: int,
    mean_lengths: NDArray[np.float64],
    field_weights: NDArray[np.float64],
    b: NDArray[np.float64],
) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    """Return the chunks that hold ``term`` (once each) and its weighted, length-normalised frequency."""
    postings = segment.postings(term)
    if postings is None:
        return np.zeros(0, np.intp), np.zeros(0)
    chunks, fields, counts = postings
    lengths = segment.arrays["lengths"][chunks, fields]
    weighted = field_weights[fields] * counts / (1 - b[fields] + b[fields] * lengths / mean_lengths[fields])
    starts = np.flatnonzero(np.diff(chunks, prepend=-1))
    return chunks[starts], np.add.reduceat(weighted, starts) if len(starts) else weighted
