"""Words to terms: identifiers are split at case, underscores and digits, and their parts stemmed.

A term is kept as the 64-bit hash of its text (BLAKE2b): postings need no dictionary, and those of different
processes can be put together without one.
"""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import blake2b
from typing import Final

CALL: Final = "("  # what ends a word that stands before an opening parenthesis
_SEPARATED: Final = bytes(
    code if chr(code).isalnum() or code >= 128 or chr(code) in "_(" else 32 for code in range(256)
)
_PARTS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[A-Z]+|\d+|[^\W\d_a-zA-Z]+")
MAX_WORD: Final = 80  # longer ones are encoded data


def term_hash(text: str) -> int:
    """Return the 64-bit key of a term, or of a name as it is written."""
    return int.from_bytes(blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "little")


def words_of(text: str) -> list[str]:
    """Return the words of source text: identifiers and numbers; one before a parenthesis ends in ``CALL``."""
    data = text.encode("utf-8", "replace").translate(_SEPARATED)
    return data.replace(b"(", b"( ").replace(b" ( ", b"( ").decode("utf-8", "replace").split()


def split_word(word: str) -> list[str]:
    """Return the parts of an identifier in lower case: ``parseHTTPDate2_utc`` → parse http date 2 utc."""
    if word.islower() and word.isascii() and word.isalpha():
        return [word]
    return [part.lower() for part in _PARTS.findall(word)]


@lru_cache(1 << 17)
def terms_of(word: str) -> tuple[str, ...]:
    """Return the terms of a word: the stem of each part, then the parts joined if there are several."""
    if len(word) > MAX_WORD:
        return ()
    parts = split_word(word)
    if not parts:
        return ()
    if len(parts) == 1:
        return (stem(parts[0]),)
    terms = [stem(part) for part in parts if len(part) > 1 or part.isdigit()]
    return (*terms, "".join(parts))


@lru_cache(1 << 17)
def stem(word: str) -> str:
    """Return ``word`` without its inflection: plural, -ing, -ed, -er and the like.

    A light stemmer for lower-case English, after the first steps of Porter (1980).
    """
    if len(word) <= 3 or not word.isascii():
        return word
    word = _singular(word)
    if word.endswith("ly") and len(word) > 5:
        word = word[:-4] if word.endswith("ically") else word[:-2]
    for suffix in ("ing", "ed"):
        base = word[: -len(suffix)]
        if word.endswith(suffix) and len(base) >= 3 and any(c in "aeiouy" for c in base):
            return _ends_well(base)
    if word.endswith("e") and len(word) > 4:
        return word[:-1]
    if word.endswith("y") and len(word) > 3:
        return f"{word[:-1]}i"
    return word


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("sses", "shes", "ches", "xes", "zes")):
        return word[:-2]
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


def _ends_well(base: str) -> str:
    if len(base) > 3 and base[-1] == base[-2] and base[-1] not in "lsz":
        return base[:-1]
    if base.endswith("i") or base.endswith("y"):
        return f"{base[:-1]}i"
    return base.removesuffix("e")
