"""Vectors in Milvus, where agents of one project share them.

A collection may hold vectors of texts that only another agent has: a search asks for more than is wanted and
keeps what is alive here, and a shared collection is never pruned.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Keys, Positions, Vectors, check_dimension, unit
from dspy_agent.vectors.milvus.client import MOST_HITS, Collection
from dspy_agent.vectors.naming import folder_name

_MORE: Final = 4
_AT_LEAST: Final = 100
_WORTH_PRUNING: Final = 1000


class MilvusStore:
    """A vector store in a Milvus collection. Every call may raise ``VectorStoreError``.

    Args:
        uri: of the server; empty for a Milvus Lite file in ``folder``.
        token: of the server, or user:password.
        collection: its name.
        folder: of all vectors of the workspace.
        model: whose vectors these are.
        dimension: how many numbers a vector has.
    """

    def __init__(
        self, *, uri: str, token: str, collection: str, folder: Path, model: str, dimension: int
    ) -> None:
        self.model = model
        self.dimension = dimension
        self.fill_lock = folder / f"{folder_name(model, dimension)}.fill"
        self._folder = None if uri else folder
        self._collection = Collection(uri or str(folder / "milvus.db"), token, collection, dimension)
        self._sorted: tuple[Keys, Keys, Positions] | None = None

    @property
    def notes(self) -> list[str]:
        """What the user should hear: nothing; what fails is an error."""
        return []

    def __len__(self) -> int:
        return 0 if self._nothing_yet() else self._collection.count()

    def have(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of ``keys`` have a vector."""
        if self._nothing_yet():
            return np.zeros(len(keys), np.bool_)
        ids = keys.view(np.int64)
        present = self._collection.present(ids)
        return np.fromiter((key in present for key in ids.tolist()), np.bool_, len(keys))

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keep ``vectors``; the server has them in its log when this returns."""
        check_dimension(vectors, self.dimension, self.model)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
        keys, first = np.unique(keys, return_index=True)
        self._collection.upsert(keys.view(np.int64), unit(vectors, self.model)[first])

    def search(
        self, query: NDArray[np.float32], keys: Keys, limit: int
    ) -> tuple[Positions, NDArray[np.float32]]:
        """Return positions in ``keys`` and cosines of the ``limit`` nearest to ``query``, best first."""
        check_dimension(query, self.dimension, self.model)
        if limit <= 0 or not len(keys) or self._nothing_yet():
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        count = min(MOST_HITS, _MORE * limit + _AT_LEAST)
        while True:
            ids, scores = self._collection.search(query, count)
            positions, alive = self._positions(ids.view(np.uint64), scores, keys)
            if len(positions) >= limit or len(ids) < count or count == MOST_HITS:
                return positions[:limit], alive[:limit]
            count = min(MOST_HITS, _MORE * count)

    def prune(self, keys: Keys) -> int:
        """Drop what is not of ``keys`` from a Milvus Lite file if it is most of it."""
        if self._folder is None or self._nothing_yet():
            return 0
        kept = self._collection.ids()
        dead = kept[~np.isin(kept, keys.view(np.int64))]
        if len(dead) <= max(_WORTH_PRUNING, len(kept) - len(dead)):
            return 0
        self._collection.delete(dead)
        return len(dead)

    def close(self) -> None:
        """Let go of the server or the file."""
        self._collection.close()

    def _nothing_yet(self) -> bool:
        """Return whether there is no Milvus Lite file: reading must not make one."""
        return self._folder is not None and not (self._folder / "milvus.db").exists()

    def _positions(
        self, found: Keys, scores: NDArray[np.float32], keys: Keys
    ) -> tuple[Positions, NDArray[np.float32]]:
        """Return where in ``keys`` the found ones are, equal keys each, in the order of the scores."""
        if self._sorted is None or self._sorted[0] is not keys:
            order = np.argsort(keys, kind="stable")
            self._sorted = keys, keys[order], order
        _, ordered, order = self._sorted
        first = np.searchsorted(ordered, found, side="left")
        counts = np.searchsorted(ordered, found, side="right") - first
        counts[scores == 0] = 0  # a text that says nothing
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = np.repeat(first, counts) + within
        return order[places], np.repeat(scores, counts)
