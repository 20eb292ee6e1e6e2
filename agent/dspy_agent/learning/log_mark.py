"""Knows a place in an event log again, also after the log was cut, replaced or copied."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.workspace.files import open_regular

_SPAN: Final = 512


@dataclass(frozen=True, slots=True)
class LogMark:
    """A line's end at ``offset``, with hashes of the log's first bytes (``head``) and of those before it."""

    offset: int
    head: str
    tail: str

    @classmethod
    def at(cls, path: Path, offset: int) -> LogMark | None:
        """Return the mark of ``offset`` in the log ``path``; None if no log reaches so far.

        Raises:
            OSError: the log can't be read.
        """
        if offset == 0:
            return START
        try:
            file = open_regular(path, follow=False)
        except FileNotFoundError:
            return None
        with file:
            span = min(offset, _SPAN)
            head = os.pread(file.fileno(), span, 0)
            tail = os.pread(file.fileno(), span, offset - span)
        return cls(offset, _hash(head), _hash(tail)) if len(tail) == span else None

    def is_in(self, path: Path) -> bool:
        """Return whether the log ``path`` still has what this is a mark of.

        Raises:
            OSError: the log can't be read.
        """
        return LogMark.at(path, self.offset) == self


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=8).hexdigest()


START: Final = LogMark(0, _hash(b""), _hash(b""))
