"""Tells how far a tool is that asks a model: its stages, and how many tokens have come."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from dspy_agent.tools.console import visible
from dspy_agent.tools.terminal_line import in_place

_EACH: Final = 10  # pieces of an answer


@contextmanager
def stages() -> Iterator[Callable[[str], None]]:
    """Give what tells a stage on stderr: on a terminal in one line, else in a line for each stage.

    The line is taken away at the end, before an error is told too.
    """
    terminal = sys.stderr.isatty()

    def tell(line: str) -> None:
        if terminal:
            in_place(line)
        else:
            print(visible(line), file=sys.stderr, flush=True)

    try:
        yield tell
    finally:
        if terminal:
            in_place("")


def token_counter(tell: Callable[[str], None], stage: str) -> Callable[[str], None]:
    """Return what takes the pieces of an answer and tells on a terminal how many have come in ``stage``."""
    terminal, count = sys.stderr.isatty(), 0

    def piece(text: str) -> None:
        nonlocal count
        count += 1
        if terminal and count % _EACH == 0:
            tell(f"{stage}: {count} tokens")

    return piece
