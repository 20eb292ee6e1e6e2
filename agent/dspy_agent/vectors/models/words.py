"""What words a piece of code says: names taken apart, in lower case.

``getUserName``, ``get_user_name`` and "get the user's name" then share their words, and so their direction:
on code search that is worth more to a static model than any weighting of tokens.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_NAME: Final = re.compile(r"[^\W_]+")
_PART: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_LONGEST: Final = 40  # longer ones are hashes and encoded data
_SYMBOL: Final = 0.5
_LAST: Final = 0.5
_PATH: Final = 0.3
_BODY: Final = 1.0


@dataclass(frozen=True, slots=True)
class Field:
    """A part of a document: the words that it says, and what they weigh together."""

    words: dict[str, int]
    weight: float


def fields_of(document: str) -> list[Field]:
    """Return the parts of a document, whose first line is its title: ``PATH SYMBOL``, either may be absent.

    A document of one line has no title.
    """
    title, newline, body = document.partition("\n")
    if not newline:
        return [Field(counted(document), _BODY)]
    path, _, symbol = title.rpartition(" ")
    parts = ((symbol, _SYMBOL), (symbol.rpartition(".")[2], _LAST), (path, _PATH), (body, _BODY))
    return [Field(counted(text), weight) for text, weight in parts if text]


def counted(text: str) -> dict[str, int]:
    """Return how often ``text`` says each word."""
    words: dict[str, int] = {}
    for name, count in Counter(_NAME.findall(text)).items():
        for word in parts(name) if len(name) <= _LONGEST else ():
            words[word] = words.get(word, 0) + count
    return words


@lru_cache(maxsize=1 << 16)
def parts(name: str) -> tuple[str, ...]:
    """Return the words that a name without underscores is made of."""
    if name.isascii():
        return tuple(part.lower() for part in _PART.findall(name))
    return (name.lower(),)
