"""How many tokens a text has: estimated from its characters, raised where a server counted more.

A little too many rather than too few: what is over the budget is refused, never cut. The pieces and weights
were fitted to the tokenizer of the small Qwen models on code, logs, JSON and prose; tables of other
vocabularies differ by a few per cent, which the first answers teach.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from typing import Final

# As tokenizers cut text before they merge: words at their humps, single digits, runs of signs, line ends.
_PIECES: Final = re.compile(
    r"(?P<word>[A-Z]?[a-z]+|[A-Z]+(?![a-z]))|(?P<digit>[0-9])|(?P<signs>[!-/:-@\[-`{-~]+\n*)"
    r"|(?P<line>\n\s*)|(?P<gap>[^\S\n]{2,})|(?P<other>[^\x00-\x7f]|[\x00-\x08\x0e-\x1f\x7f])"
)
_USUAL: Final = 8  # letters of a word that is one token
_REST: Final = 3  # letters a token beyond
_MARGIN: Final = 1.05
TEMPLATE_TOKENS: Final = 40  # that a template adds by itself: a system message of its own, for one
_MOST_FACTOR: Final = 4.0
_SPOKEN: Final = frozenset("aeiouyAEIOUY")


def estimate(text: str) -> float:
    """Return about how many tokens ``text`` has."""
    tokens = 0.0
    for piece in _PIECES.finditer(text):
        tokens += _WEIGHTS[str(piece.lastgroup)](piece[0])
    return tokens


def _word(word: str) -> float:
    length = len(word)
    if length > 3 and not _SPOKEN.intersection(word):
        return length / 1.5
    if length <= _USUAL:
        return 1.0
    return 1 + (length - _USUAL) / _REST if length <= 2 * _USUAL else length / 1.5


def _signs(signs: str) -> float:
    length = len(signs)
    return 0.35 + 0.55 * length if length <= 8 else 3 + length / 4


def _other(sign: str) -> float:
    if sign < "\x80":
        return 1.0  # controls
    if sign < "\u0530":
        return 0.6  # Latin with accents, Greek, Cyrillic
    return 1.0 if "\u2e80" <= sign < "\uffff" or "\u0590" <= sign < "\u0e80" else 3.0


_WEIGHTS: Final[Mapping[str, Callable[[str], float]]] = {
    "word": _word,
    "digit": lambda _: 1.0,
    "signs": _signs,
    "line": lambda line: 1.0 if len(line) < 16 else 1.5,
    "gap": lambda gap: 1.0 if len(gap) < 16 else 1.5,
    "other": _other,
}


class Counter:
    """Counts tokens for one model, and learns from what the server counted."""

    def __init__(self) -> None:
        self._factor = _MARGIN
        self._lock = threading.Lock()

    def count(self, text: str) -> int:
        """Return about how many tokens ``text`` has, rather too many than too few."""
        return int(estimate(text) * self._factor) + 1

    def learn(self, counted: int, actual: int) -> None:
        """Count more from now on if ``actual`` tokens were more than the ``counted``."""
        with self._lock:
            if actual - TEMPLATE_TOKENS > counted > 0:
                more = (actual - TEMPLATE_TOKENS) / counted
                self._factor = min(_MOST_FACTOR, self._factor * more * _MARGIN)
