"""One line on a terminal that is written anew in its place: how far a long work is."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import TextIO

from dspy_agent.tools.console import visible


def in_place(text: str, stream: TextIO | None = None) -> None:
    """Write ``text`` in the place of the line's last one; an empty one takes that away.

    What is longer than the terminal is wide is cut: a line that wraps could not be written over.
    """
    to = sys.stderr if stream is None else stream
    to.write(f"\r\x1b[K{visible(text)[: _columns(to) - 1]}")
    to.flush()


def counting(words: str, least: int = 0) -> Callable[[int, int], None] | None:
    """Return what tells on stderr how many of how many are done; None where that is no terminal.

    Args:
        words: with a place for each of both numbers.
        least: fewer than so many need no words.
    """
    if not sys.stderr.isatty():
        return None

    def tell(done: int, of: int) -> None:
        if of >= least:
            in_place(words.format(done, of) if done < of else "")

    return tell


def _columns(stream: TextIO) -> int:
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except (OSError, ValueError):
        return 80
