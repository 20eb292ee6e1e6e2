"""Tells how far a tool is that asks a model: its stages, and how many tokens have come."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Final

from dspy_agent.tools.console import visible
from dspy_agent.tools.terminal_line import in_place

_EACH: Final = 10  # pieces of an answer


def stage_teller() -> Callable[[str], None]:
    """Return what tells a stage on stderr: on a terminal in one line, else in a line for each stage.

    An empty line takes the last away.
    """
    terminal = sys.stderr.isatty()

    def tell(line: str) -> None:
        if terminal:
            in_place(line)
        elif line:
            print(visible(line), file=sys.stderr, flush=True)

    return tell


def token_counter(tell: Callable[[str], None], stage: str) -> Callable[[str], None]:
    """Return what takes the pieces of an answer and tells on a terminal how many have come in ``stage``."""
    terminal, count = sys.stderr.isatty(), 0

    def piece(text: str) -> None:
        nonlocal count
        count += 1
        if terminal and count % _EACH == 0:
            tell(f"{stage}: {count} tokens")

    return piece
