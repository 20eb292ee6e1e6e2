"""Our standard input, which can be given once more to a command that did not start."""

from __future__ import annotations

import os
from typing import Final

_READ: Final = 32 * 1024
_KEPT: Final = 2**20  # a command that took more has surely started


class Input:
    """The bytes of descriptor ``fd``; up to 1 MiB of them can be read again."""

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.repeatable = True
        self._kept = b""
        self._again = b""

    def has_buffered(self) -> bool:
        """Return whether bytes wait that a poll of ``fd`` can't see."""
        return bool(self._again)

    def read(self) -> bytes:
        """Return some bytes; none at the end of the input."""
        if self._again:
            data, self._again = self._again[:_READ], self._again[_READ:]
            return data
        try:
            data = os.read(self.fd, _READ)
        except OSError:  # EIO: the terminal is gone
            return b""
        if self.repeatable:
            self._kept += data
            self.repeatable = len(self._kept) <= _KEPT
        if not self.repeatable:
            self._kept = b""
        return data

    def repeat(self) -> None:
        """Start again from the first byte; only while ``repeatable``."""
        self._again = self._kept
