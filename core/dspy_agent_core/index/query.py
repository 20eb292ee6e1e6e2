"""A query in words or names becomes weighted terms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dspy_agent_core.index.terms import CALL, stem, term_hash, terms_of, words_of
from dspy_agent_core.index.vocabulary import RELATED

_NAME: Final = re.compile(r"~?[^\W\d][\w$]*(?:(?:\.|::|#|->)~?[^\W\d][\w$]*[?!=]?)*(?:\(\))?")
_SEPARATOR: Final = re.compile(r"::|#|->")
# Words of English that say little about code; in code itself they are rare, so their idf would mislead.
_STOP_TEXT: Final = """
    a about above after all also am an and any are as at be because been before being below between
    both but by can could did do does doing down during each either else etc few for from further
    given had has have having he her here him his how however i if in into is it its itself just
    like may me might more most must my no nor not now of off on once only or other our out over own
    per please rather same shall she should so some such than that the their them then there these
    they this those through thus to too under until unless up upon us use used using very via was we
    were what when where whether which while who whom whose why will with within without would you
    your
"""
STOP: Final = frozenset(_STOP_TEXT.split())
COMPOUND_WEIGHT: Final = 0.35  # of two neighbouring words written as one: "file name" for ``filename``
STOP_WEIGHT: Final = 0.05


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for.

    ``terms``: hash → importance; ``words``: hash → the word as written; ``names``: identifiers as written,
    dotted ones whole; ``symbol``: the query is nothing but one name; ``weight``: of all words that say
    something, once each.
    """

    text: str
    terms: Mapping[int, float]
    words: Mapping[int, str]
    names: tuple[str, ...]
    symbol: bool
    weight: float


def parse_query(text: str, *, related: bool = True) -> Query:
    """Return the terms and names of ``text``.

    Args:
        text: what a user asks for; 4000 characters at most are read.
        related: also look for abbreviations and other words of the same meaning, with less weight.
    """
    words = [word.rstrip(CALL) for word in words_of(text[:4000])]
    weights: dict[str, float] = {}
    written: dict[str, str] = {}
    plain: list[str] = []
    for word in words:
        terms = terms_of(word) if word else ()
        stop = word.lower() in STOP
        for term in terms:
            weight = STOP_WEIGHT if stop else 1.0
            if len(terms) > 1 and term == terms[-1]:
                weight = 0.5
            weights[term] = max(weights.get(term, 0.0), weight)
            written.setdefault(term, word)
        plain.append("" if stop or len(terms) != 1 else word.lower())
    said = sum(weight for weight in weights.values() if weight == 1.0)
    for first, second in pairwise(plain):
        if first and second:
            for term in (first + second, stem(first + second)):
                weights.setdefault(term, COMPOUND_WEIGHT)
                written.setdefault(term, f"{first} {second}")
    for term, weight in list(weights.items()) if related else ():
        for other, share in RELATED.get(term, {}).items():
            if weight == 1.0 and other not in weights:
                weights[other] = share
                written[other] = f"{written[term]}→{other}"
    names = tuple(
        dict.fromkeys(
            _SEPARATOR.sub(".", match[0].removesuffix("()"))
            for match in _NAME.finditer(text)
            if looks_like_name(match[0])
        )
    )
    stripped = text.strip()
    symbol = bool(stripped) and _NAME.fullmatch(stripped) is not None
    if symbol and not names:
        names = (stripped,)
    hashes = {term_hash(term): term for term in weights}
    return Query(
        text,
        {key: weights[term] for key, term in hashes.items()},
        {key: written[term] for key, term in hashes.items()},
        names,
        symbol,
        said,
    )


def looks_like_name(word: str) -> bool:
    """Return whether ``word`` is written as identifiers are (``a_b``, ``aB``, ``A.b``, ``f()``)."""
    return (
        "_" in word.strip("_")
        or any(mark in word for mark in (".", "::", "#", "->", "()"))
        or (any(c.isupper() for c in word[1:]) and any(c.islower() for c in word))
    )
