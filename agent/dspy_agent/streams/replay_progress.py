"""Which records of a partition were replayed: an offset to commit, and ranges beyond it as its metadata."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

# Brokers refuse more than offset.metadata.max.bytes, 4096 where nobody has changed it.
MAX_METADATA: Final = 4000


class Progress:
    """A set of offsets: all below ``offset``, and some above it.

    >>> done = Progress(3)
    >>> done.add([3, 5, 6])
    >>> done.offset, done.metadata
    (4, '5-6')
    """

    def __init__(self, offset: int = 0, metadata: str = "") -> None:
        self.offset = offset
        self._beyond: set[int] = set()
        for part in metadata.split(",") if metadata else ():
            first, _, last = part.partition("-")
            self._beyond.update(range(int(first), int(last or first) + 1))
        self._advance()

    def __contains__(self, offset: int) -> bool:
        return offset < self.offset or offset in self._beyond

    def add(self, offsets: Iterable[int]) -> None:
        """Note that these were replayed."""
        self._beyond.update(offset for offset in offsets if offset >= self.offset)
        self._advance()

    @property
    def metadata(self) -> str:
        """The ranges beyond ``offset``."""
        return ",".join(f"{first}-{last}" if last > first else str(first) for first, last in self._ranges())

    def _ranges(self) -> Iterator[tuple[int, int]]:
        first = last = -2
        for offset in sorted(self._beyond):
            if offset != last + 1:
                if first >= 0:
                    yield first, last
                first = offset
            last = offset
        if first >= 0:
            yield first, last

    def _advance(self) -> None:
        while self.offset in self._beyond:
            self._beyond.discard(self.offset)
            self.offset += 1
