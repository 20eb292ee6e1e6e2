"""Which events were counted, in constant memory.

The last ids are remembered. An event that is older, by its time, than those that had to be forgotten may be
one of them, and is taken for it: better one that never counts than one that counts twice. So that agents
whose events are late, or whose clocks differ, lose nothing by that, it begins a day back.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dspy_agent_core.bandit.state import pack, unpack

MOST_IDS: Final = 4096
SLACK_SECONDS: Final = 86400.0


class Seen:
    """The ids that were counted; ``latest`` is the time of the last event that had one (epoch seconds)."""

    def __init__(self) -> None:
        self.latest = 0.0
        self._times: dict[int, float] = {}
        self._horizon = -math.inf  # events up to here may have been forgotten

    def add(self, id: str, ts: float | None) -> bool:
        """Return whether the event ``id`` of ``ts`` is new; then it is seen from now on."""
        key = _key(id)
        time = self.latest if ts is None else ts
        if key in self._times or time <= self._horizon:
            return False
        self.latest = time
        self._times[key] = time
        if len(self._times) > MOST_IDS:
            gone = self._times.pop(next(iter(self._times)))
            self._horizon = max(self._horizon, min(gone, time - SLACK_SECONDS))
        return True

    def snapshot(self) -> dict[str, Any]:
        """Return it as JSON data."""
        return {
            "ids": pack(np.array(list(self._times), dtype=np.uint64)),
            "times": pack(np.array(list(self._times.values()), dtype=np.float64)),
            "latest": self.latest,
            "horizon": self._horizon if math.isfinite(self._horizon) else None,
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Seen:
        """Return what ``snapshot`` told of.

        Raises:
            ValueError: it is none.
        """
        seen = cls()
        ids, times = unpack(state["ids"], "u8", -1).tolist(), unpack(state["times"], "f8", -1).tolist()
        seen._times = dict(zip(ids, times, strict=True))
        seen.latest = float(state["latest"])
        seen._horizon = -math.inf if state["horizon"] is None else float(state["horizon"])
        if len(seen._times) != len(ids) or len(ids) > MOST_IDS:
            raise ValueError("an id twice, or too many")
        return seen


def _key(id: str) -> int:
    digest = hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")
