"""The ids of all events of a log, in 8 bytes each: what arrives again, however late, is known."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.learning.log import Reader
from dspy_agent.learning.log_mark import START, LogMark

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_MERGE: Final = 10_000


class KnownIds:
    """The ids in the log ``path``, also of lines that others append.

    Of a million ids two have the same hash once in 40 million logs; the later event would be passed over.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mark = START
        self._recent: set[int] = set()
        self._sorted = _empty()

    def refresh(self) -> None:
        """Take in what the log has got since.

        Raises:
            OSError: the log can't be read.
        """
        if not self._mark.is_in(self._path):
            self._mark, self._recent, self._sorted = START, set(), _empty()
        reader = Reader(self._path, self._mark.offset)
        for line in reader.lines():
            if line is not None and (id := _id_of(line)) is not None:
                self.add(id)
        self._mark = LogMark.at(self._path, reader.offset) or START

    def add(self, id: str) -> None:
        """Know ``id`` from now on."""
        self._recent.add(_hash(id))
        if len(self._recent) >= _MERGE:
            self._merge()

    def __contains__(self, id: str) -> bool:
        number = _hash(id)
        if number in self._recent:
            return True
        place = int(self._sorted.searchsorted(number))
        return place < len(self._sorted) and int(self._sorted[place]) == number

    def _merge(self) -> None:
        import numpy as np

        recent = np.fromiter(self._recent, np.uint64, len(self._recent))
        self._sorted = np.union1d(self._sorted, recent)
        self._recent = set()


def _empty() -> npt.NDArray[np.uint64]:
    import numpy as np

    return np.empty(0, np.uint64)


def _id_of(line: bytes) -> str | None:
    """Return the id in a line; None if it is torn, so that its event may come again."""
    try:
        found = json.loads(line)["id"]
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return found if isinstance(found, str) else None


def _hash(id: str) -> int:
    return int.from_bytes(hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")
