"""Tells on a terminal how far a long reading is."""

from __future__ import annotations

import sys
import time
from typing import Final, TextIO

from dspy_agent.tools.terminal_line import in_place

_PATIENCE: Final = 1.0  # seconds; what takes less needs no words
_PAUSE: Final = 0.2


class Progress:
    """One line on ``stream`` (standard error) that says how much of which log has been read.

    It is there from ``patience`` seconds on, only on a terminal, and is gone at the end.
    """

    def __init__(self, stream: TextIO | None = None, patience: float = _PATIENCE) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._due = time.monotonic() + patience if self._stream.isatty() else float("inf")
        self._told = False

    def at(self, name: str, read: int, size: int) -> None:
        """Say that ``read`` of ``size`` bytes were read of the log ``name``."""
        if time.monotonic() < self._due:
            return
        self._due, self._told = time.monotonic() + _PAUSE, True
        in_place(f"reading {name[-40:]}: {read >> 20:,} of {size >> 20:,} MiB", self._stream)

    def end(self) -> None:
        """Take the line away."""
        if self._told:
            in_place("", self._stream)
