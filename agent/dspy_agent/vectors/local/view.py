"""What a local store holds at one moment: a memory map with what it takes to find rows in it.

A view never changes, so a search goes on undisturbed while more is written; the store makes the next view out
of the last one and what has come since.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent.vectors.arrays import Keys, Positions, Vectors
from dspy_agent.vectors.local.commits import Commit
from dspy_agent.vectors.local.files import Committed, StoreFiles
from dspy_agent.vectors.local.sketch import Sketch

_NORM_OFF: Final = 1e-3  # of a row that is as it was written


@dataclass(frozen=True, slots=True)
class View:
    """The whole rows of a store.

    ``whole`` marks rows that are as they were written, ``blank`` those of texts that say nothing.
    ``sorted_keys`` are those of whole rows, ``sorted_rows`` where they are.
    """

    committed: Committed | None
    keys: Keys
    vectors: Vectors
    whole: NDArray[np.bool_]
    blank: NDArray[np.bool_]
    sketch: Sketch
    sorted_keys: Keys
    sorted_rows: Positions

    @property
    def damaged(self) -> int:
        """How many rows are not as they were written."""
        return int(len(self.whole) - np.count_nonzero(self.whole))

    def rows_of(self, keys: Keys) -> Positions:
        """Return the row of each key, -1 where there is none."""
        if not len(self.sorted_keys):
            return np.full(len(keys), -1, np.intp)
        at = np.searchsorted(self.sorted_keys, keys, side="right") - 1  # the newest of equal ones
        found = (at >= 0) & (self.sorted_keys[at] == keys)
        return np.where(found, self.sorted_rows[at], -1)


def empty(dimension: int) -> View:
    """Return the view of a store that has nothing."""
    nothing = np.zeros((0, dimension), np.float32)
    none, rows, marks = np.zeros(0, np.uint64), np.zeros(0, np.intp), np.zeros(0, np.bool_)
    return View(None, none, nothing, marks, marks, Sketch.of(nothing), none, rows)


def look(files: StoreFiles, committed: Committed, last: View) -> View:
    """Return the view of what is ``committed``, taking what ``last`` knows of it already.

    Raises:
        OSError: the files can't be read, or vanish meanwhile.
    """
    known = 0
    before = last.committed
    if before and before.generation == committed.generation and _goes_on(before.commits, committed.commits):
        known = before.rows
    vectors = files.map_vectors(committed)
    new_keys = files.read_keys(committed, known)
    keys = np.concatenate([last.keys[:known], new_keys])
    new = vectors[known:]
    # A row that isn't what was written is no unit vector any more, but for bits that don't matter.
    norms = np.vecdot(new, new)
    blank = np.concatenate([last.blank[:known], norms == 0])
    sound = (np.abs(norms - 1) < _NORM_OFF) | (norms == 0)
    sound &= _checked(committed.commits, new_keys, new, known)
    whole = np.concatenate([last.whole[:known], sound])
    sketch = last.sketch.extended(vectors) if known else Sketch.of(vectors)
    rows = np.flatnonzero(whole)
    order = rows[np.argsort(keys[rows], kind="stable")]
    return View(committed, keys, vectors, whole, blank, sketch, keys[order], order)


def _goes_on(before: list[Commit], now: list[Commit]) -> bool:
    return bool(before) and len(now) >= len(before) and now[len(before) - 1] == before[-1]


def _checked(commits: list[Commit], keys: Keys, vectors: Vectors, known: int) -> NDArray[np.bool_]:
    """Return which of the new rows a commit speaks of rightly; of vectors, only the last batch is summed."""
    sound = np.zeros(len(keys), np.bool_)
    for commit in commits:
        if commit.start < known:
            continue
        batch = slice(commit.start - known, commit.end - known)
        right = zlib.crc32(keys[batch].astype("<u8", copy=False).tobytes()) == commit.keys_crc
        if right and commit is commits[-1]:
            right = zlib.crc32(vectors[batch].tobytes()) == commit.vectors_crc
        sound[batch] = right
    return sound
