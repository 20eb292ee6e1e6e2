"""Vectors in files of the workspace, read through a memory map.

Any number of processes read while one writes. A crash at any byte leaves what was committed; rows that a disk
has damaged are passed over, told, and made anew by the next fill.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Keys, Positions, Vectors, check_dimension, unit
from dspy_agent.vectors.local.files import StoreFiles, unusable
from dspy_agent.vectors.local.sketch import Sketch
from dspy_agent.vectors.local.view import View, empty, look

_CANDIDATES: Final = 400  # at least, or one row in 40; of the true ten best, 995 in 1000 are among them
_ROWS_A_CANDIDATE: Final = 40
_CANDIDATES_A_HIT: Final = 10
_WORTH_SKETCHING: Final = 4 * _CANDIDATES
_BITS_WORTH_SKETCHING: Final = 192  # fewer say too little, and a full product is quick
_WORTH_PRUNING: Final = 1000


@dataclass(frozen=True, slots=True)
class _Alive:
    """The rows of the keys that a caller has alive, and where in ``keys`` each is."""

    keys: Keys
    view: View
    rows: Positions
    positions: Positions
    sketch: Sketch | None


class LocalStore:
    """A vector store in ``folder``; safe to use from several threads and processes."""

    def __init__(self, folder: Path, model: str, dimension: int) -> None:
        self.model = model
        self.dimension = dimension
        self._files = StoreFiles(folder, dimension)
        self._lock = threading.RLock()
        self._view = empty(dimension)
        self._alive: _Alive | None = None

    @property
    def fill_lock(self) -> Path:
        """The file that whoever fills this store holds."""
        return self._files.folder.with_name(f"{self._files.folder.name}.fill")

    @property
    def notes(self) -> list[str]:
        """What the user should hear."""
        if self._files.of_another_version():
            return [
                f"The vectors of {self.model} are of another version of this program: they are made anew."
            ]
        damaged = self._current().damaged
        if not damaged:
            return []
        return [f"{damaged} vectors of {self.model} were damaged on disk: they are made anew."]

    def __len__(self) -> int:
        return len(self._current().sorted_keys)

    def have(self, keys: Keys) -> NDArray[np.bool_]:
        """Return which of ``keys`` have a vector."""
        return self._current().rows_of(keys) >= 0

    def add(self, keys: Keys, vectors: Vectors) -> None:
        """Keep ``vectors``; they are on disk when this returns.

        Raises:
            ModelError: they are of another dimension, or no numbers.
            WorkspaceError: they can't be written.
        """
        check_dimension(vectors, self.dimension, self.model)
        vectors = unit(vectors, self.model)
        with self._lock, self._files.writing(self.model):
            view = self._current()
            keys, first = np.unique(keys, return_index=True)
            new = view.rows_of(keys) < 0
            if new.any():
                self._files.append(view.committed, keys[new], vectors[first[new]])
            self._current()

    def search(
        self, query: NDArray[np.float32], keys: Keys, limit: int
    ) -> tuple[Positions, NDArray[np.float32]]:
        """Return positions in ``keys`` and cosines of the ``limit`` nearest to ``query``, best first.

        ``keys`` are those alive now; the same array again, unchanged, saves looking them up.

        Raises:
            ModelError: ``query`` is of another dimension.
        """
        check_dimension(query, self.dimension, self.model)
        alive = self._looked_up(keys)
        if limit <= 0 or not len(alive.rows):
            return np.zeros(0, np.intp), np.zeros(0, np.float32)
        if alive.sketch is None:
            near = np.arange(len(alive.rows))
        else:
            wanted = max(_CANDIDATES, _CANDIDATES_A_HIT * limit, len(alive.rows) // _ROWS_A_CANDIDATE)
            near = alive.sketch.nearest(query, wanted)
        scores = np.vecdot(alive.view.vectors[alive.rows[near]], query)
        best = np.argsort(-scores, kind="stable")[:limit]
        return alive.positions[near[best]], scores[best]

    def prune(self, keys: Keys) -> int:
        """Drop what is not of ``keys`` if it is most of the store; return how many vectors went.

        Raises:
            WorkspaceError: the files can't be written.
        """
        if not self._droppable(self._current(), keys)[0]:
            return 0
        with self._lock, self._files.writing(self.model):
            view = self._current()
            dropped, rows = self._droppable(view, keys)
            if dropped and view.committed:
                self._files.rewrite(view.committed, view.keys, view.vectors, rows)
                self._current()
            return dropped

    def _droppable(self, view: View, keys: Keys) -> tuple[int, Positions]:
        rows = np.unique(view.rows_of(keys))
        rows = rows[rows >= 0]
        dropped = len(view.keys) - len(rows)
        return (dropped if dropped > max(_WORTH_PRUNING, len(rows)) else 0), rows

    def _looked_up(self, keys: Keys) -> _Alive:
        view = self._current()
        known = self._alive
        if known is not None and known.keys is keys and known.view is view:
            return known
        rows = view.rows_of(keys)
        positions = np.flatnonzero((rows >= 0) & ~np.append(view.blank, True)[rows])
        rows = rows[positions]
        worth = len(rows) > _WORTH_SKETCHING and self.dimension >= _BITS_WORTH_SKETCHING
        sketch = view.sketch.of_rows(rows) if worth else None
        alive = _Alive(keys, view, rows, positions, sketch)
        if len(keys) > _WORTH_SKETCHING:  # a few keys must not drive out the many of the next query
            self._alive = alive
        return alive

    def _current(self) -> View:
        """Return the view of what is on disk now."""
        view = self._view
        if view.committed and self._files.signature(view.committed.generation) == view.committed.signature:
            return view
        with self._lock:
            try:
                self._view = self._look(tries=3)
            except (OSError, ValueError) as error:  # a file that shrank can't be mapped
                reason = error if isinstance(error, OSError) else OSError(str(error))
                raise unusable(self._files.folder, "read", reason) from None
            return self._view

    def _look(self, tries: int) -> View:
        committed = self._files.committed()
        if committed is None or self._files.of_another_version():
            return empty(self.dimension)
        try:
            return look(self._files, committed, self._view)
        except FileNotFoundError:  # a newer generation came just now
            if not tries:
                raise
            return self._look(tries - 1)
