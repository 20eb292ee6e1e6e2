"""Whether a streams' program makes progress, and what keeps it from being ready."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

STALE_SECONDS: Final = 120.0


class Health:
    """Facts for /healthz and /readyz; any thread may call any method.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._beat = clock()
        self._unready: dict[str, str] = {"start": "the program is starting"}

    def beat(self) -> None:
        """Note that the main loop has come round."""
        self._beat = self._clock()

    def ready(self, part: str = "start") -> bool:
        """Note that ``part`` works; return whether it did not before."""
        with self._lock:
            return self._unready.pop(part, None) is not None

    def unready(self, part: str, why: str) -> bool:
        """Note that ``part`` does not work; return whether it did before."""
        with self._lock:
            before = part in self._unready
            self._unready[part] = why
            return not before

    def stuck(self) -> str | None:
        """Return what is wrong if the main loop does not come round."""
        silent = self._clock() - self._beat
        return f"no progress for {silent:.0f} s" if silent > STALE_SECONDS else None

    def waiting_for(self) -> list[str]:
        """Return what keeps the program from being ready, one sentence each."""
        with self._lock:
            reasons = [why for _, why in sorted(self._unready.items())]
        stuck = self.stuck()
        return [*reasons, stuck] if stuck else reasons
