"""Where a partition stands: the committed offset, and what its metadata says besides.

The offset is where the first window begins whose context is not delivered. The metadata says where the
window before it began (its records give the baseline again after a restart), and which windows behind the
offset ended by silence: silence leaves no trace in the records, so such an end is committed *before* its
context is sent, and a replay cuts there again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Final

# Brokers take 4096 bytes of metadata; an offset has at most 19 digits.
MAX_CUTS: Final = 128


@dataclass(frozen=True, slots=True)
class Position:
    """Args:
    offset: where the first window begins that is not delivered; everything before it is.
    before: where the last delivered window began; None if it is not known.
    cuts: last offsets of the windows from ``offset`` on that ended by silence, ascending.
    """

    offset: int
    before: int | None = None
    cuts: tuple[int, ...] = ()

    def metadata(self) -> str:
        """Return what is committed beside the offset."""
        said: dict[str, object] = {"v": 1}
        if self.before is not None:
            said["before"] = self.before
        if self.cuts:
            said["cuts"] = [cut - self.offset for cut in self.cuts]
        return json.dumps(said, separators=(",", ":"))


def position_of(offset: int, metadata: str | None) -> Position:
    """Return the position that was committed; metadata of others is taken for none."""
    try:
        said = json.loads(metadata or "{}")
        before, cuts = said.get("before"), said.get("cuts", [])
        if said.get("v") != 1 or not isinstance(before, int | None) or (before or 0) >= max(offset, 1):
            return Position(offset)
        return Position(offset, before, tuple(sorted(offset + int(cut) for cut in cuts)))
    except (ValueError, TypeError, AttributeError):
        return Position(offset)
