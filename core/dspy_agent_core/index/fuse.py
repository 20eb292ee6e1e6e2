"""Puts ranked lists together by rank: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
DAMPING: Final = 10.0  # lower than the usual 60: the first ranks of a search for one place matter most


def fuse(worded: Sequence[T], near: Sequence[T], weight: float) -> list[tuple[T, float]]:
    """Return what the search by words and that by vectors found, put together, with scores from 0 to 1.

    Args:
        worded: the items found by words, best first.
        near: those found by vectors.
        weight: of ``near``, beside 1 for ``worded``.
    """
    best = ((1.0 if worded else 0.0) + (weight if near else 0.0)) / (DAMPING + 1)
    found = reciprocal_rank_fusion([(1.0, worded), (weight, near)])
    return [(item, score / best) for item, score in found]


def reciprocal_rank_fusion(
    lists: Iterable[tuple[float, Sequence[T]]], damping: float = DAMPING
) -> list[tuple[T, float]]:
    """Return the items of all ``lists`` (weight, items best first) with their scores, the best first."""
    scores: dict[T, float] = {}
    for weight, items in lists:
        for rank, item in enumerate(items, 1):
            scores[item] = scores.get(item, 0.0) + weight / (damping + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
