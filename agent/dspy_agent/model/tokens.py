"""How many tokens a text has, at most: a bound from its characters, raised where a server counted more."""

from __future__ import annotations

import re
import threading
from typing import Final

# Words, digits and runs of signs, as tokenizers cut text before they merge.
_PIECES: Final = re.compile(r"[A-Za-z]+|[0-9]|[^\S\n]+|\n+|[^\x00-\x7f]|[^\sA-Za-z0-9]")
_LETTERS_A_TOKEN: Final = 5
_MARGIN: Final = 1.05


def bound(text: str) -> int:
    """Return about how many tokens ``text`` has, rather too many than too few."""
    tokens = 0
    for piece in _PIECES.findall(text):
        if piece.isascii() and piece.isalpha():
            tokens += 1 + (len(piece) - 1) // _LETTERS_A_TOKEN
        elif piece.isspace():
            tokens += 1 if len(piece) > 1 or piece == "\n" else 0
        else:
            tokens += 1 if piece.isascii() else 2
    return tokens


class Counter:
    """Counts tokens for one model, and learns from what the server counted."""

    def __init__(self) -> None:
        self._factor = _MARGIN
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        """Return a bound of the tokens of ``text``."""
        return int(bound(text) * self._factor) + 1

    def learn(self, counted: int, actual: int) -> None:
        """Raise the bound if ``actual`` tokens were more than the ``counted``."""
        with self._lock:
            if actual > counted > 0:
                self._factor = min(4.0, self._factor * actual / counted * 1.02)
