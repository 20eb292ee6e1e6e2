"""Locks that are waited for a moment only: learning must never hold up an answer."""

from __future__ import annotations

import fcntl
import time
from typing import Final

PATIENCE_SECONDS: Final = 1.0
_STEP_SECONDS: Final = 0.001


def lock_soon(descriptor: int, patience: float = PATIENCE_SECONDS) -> None:
    """Lock the open file for this one alone; the lock ends as it is closed.

    Raises:
        TimeoutError: another process holds it (it may be stopped).
        OSError: the file system has no locks.
    """
    end = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > end:
                raise TimeoutError("another process holds the lock") from None
        time.sleep(_STEP_SECONDS)
