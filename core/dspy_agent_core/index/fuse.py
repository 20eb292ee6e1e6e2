"""Puts ranked lists together by rank: Cormack, Clarke and Büttcher, Reciprocal Rank Fusion, SIGIR 2009."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, TypeVar

T = TypeVar("T")
DAMPING: Final = 60.0


def reciprocal_rank_fusion(
    lists: Iterable[tuple[float, Sequence[T]]], damping: float = DAMPING
) -> list[tuple[T, float]]:
    """Return the items of all ``lists`` (weight, items best first) with their scores, the best first."""
    scores: dict[T, float] = {}
    for weight, items in lists:
        for rank, item in enumerate(items, 1):
            scores[item] = scores.get(item, 0.0) + weight / (damping + rank)
    return sorted(scores.items(), key=lambda pair: -pair[1])
