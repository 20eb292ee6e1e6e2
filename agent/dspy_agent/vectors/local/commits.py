"""The list of commits: which rows of a store's files are whole.

Rows and keys are only ever appended. A commit, written after them, says how many there are and what their
checksums are: what follows the last commit is the torn end of a write that a crash cut off.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

_RECORD: Final = np.dtype(
    [("total", "<u8"), ("rows", "<u4"), ("keys_crc", "<u4"), ("vectors_crc", "<u4"), ("crc", "<u4")]
)
SIZE: Final = _RECORD.itemsize


@dataclass(frozen=True, slots=True)
class Commit:
    """A batch that is whole: rows ``start`` to ``end``, with the checksums of their bytes."""

    start: int
    end: int
    keys_crc: int
    vectors_crc: int

    def encode(self) -> bytes:
        """Return the record of the file."""
        record = np.zeros(1, _RECORD)
        record[0] = (self.end, self.end - self.start, self.keys_crc, self.vectors_crc, 0)
        record["crc"] = zlib.crc32(record.tobytes()[:-4])
        return record.tobytes()


def decode(data: bytes, rows_on_disk: int) -> tuple[list[Commit], int]:
    """Return the commits in ``data`` that are whole and whose rows are there, and where the last one ends.

    A damaged record in between is passed over: its rows count as lost.
    """
    records = np.frombuffer(data[: len(data) // SIZE * SIZE], _RECORD)
    commits: list[Commit] = []
    end = 0
    for number, record in enumerate(records):
        total, rows = int(record["total"]), int(record["rows"])
        start = total - rows
        known = commits[-1].end if commits else 0
        if zlib.crc32(record.tobytes()[:-4]) != int(record["crc"]) or start < known or total > rows_on_disk:
            continue
        commits.append(Commit(start, total, int(record["keys_crc"]), int(record["vectors_crc"])))
        end = (number + 1) * SIZE
    return commits, end


def covered(commits: Sequence[Commit]) -> int:
    """Return how many rows ``commits`` speak of, lost ones between them included."""
    return commits[-1].end if commits else 0
