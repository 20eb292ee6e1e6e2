"""Sets of characters as sorted ranges, with Unicode's word characters and simple case folding.

Both engines get a pattern's classes as explicit ranges, so that they agree on what ``\\w`` or ``-i`` means.
"""

from __future__ import annotations

import unicodedata
from bisect import bisect_right
from collections.abc import Iterable
from functools import lru_cache

Ranges = tuple[tuple[int, int], ...]

MAX = 0x10FFFF
# Bytes that are not UTF-8 are lone surrogates after decoding: no class ever matches them.
SURROGATES = (0xD800, 0xDFFF)
NEWLINE = ((0x0A, 0x0A),)
SPACE: Ranges = (
    (0x09, 0x0D), (0x20, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680), (0x2000, 0x200A),
    (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x205F), (0x3000, 0x3000),
)  # fmt: skip
# The letters among Unicode's symbols (Other_Alphabetic outside of letters and marks), and the joiners.
_OTHER_WORD = ((0x200C, 0x200D), (0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189))
_WORD_CATEGORIES = frozenset(("Lu", "Ll", "Lt", "Lm", "Lo", "Nl", "Mn", "Mc", "Me", "Nd", "Pc"))
POSIX: dict[str, Ranges] = {
    "alnum": ((48, 57), (65, 90), (97, 122)), "alpha": ((65, 90), (97, 122)), "ascii": ((0, 127),),
    "blank": ((9, 9), (32, 32)), "cntrl": ((0, 31), (127, 127)), "digit": ((48, 57),), "graph": ((33, 126),),
    "lower": ((97, 122),), "print": ((32, 126),), "punct": ((33, 47), (58, 64), (91, 96), (123, 126)),
    "space": ((9, 13), (32, 32)), "upper": ((65, 90),), "word": ((48, 57), (65, 90), (95, 95), (97, 122)),
    "xdigit": ((48, 57), (65, 70), (97, 102)),
}  # fmt: skip


def union(ranges: Iterable[tuple[int, int]]) -> Ranges:
    """Return ``ranges`` sorted, with those that touch joined."""
    joined: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if joined and low <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        else:
            joined.append((low, high))
    return tuple(joined)


def negate(ranges: Ranges) -> Ranges:
    """Return every character but ``ranges`` and the surrogates."""
    result, start = [], 0
    for low, high in union((*ranges, SURROGATES)):
        if start < low:
            result.append((start, low - 1))
        start = high + 1
    if start <= MAX:
        result.append((start, MAX))
    return tuple(result)


def without_newline(ranges: Ranges) -> Ranges:
    """Return ``ranges`` without the line feed, which no line holds, and without surrogates."""
    return negate(union((*negate(ranges), *NEWLINE)))


def contains(ranges: Ranges, code: int) -> bool:
    """Say whether ``code`` lies in ``ranges``."""
    at = bisect_right(ranges, (code, MAX + 1)) - 1
    return at >= 0 and ranges[at][0] <= code <= ranges[at][1]


@lru_cache(1)
def word() -> Ranges:
    r"""Return the ranges of ``\w``: alphabetic, marks, decimal digits, connectors, joiners."""
    return union((*_categories(_WORD_CATEGORIES), *_OTHER_WORD))


@lru_cache(1)
def digit() -> Ranges:
    r"""Return the ranges of ``\d``: decimal digits."""
    return _categories(frozenset(("Nd",)))


def _categories(wanted: frozenset[str]) -> Ranges:
    category = unicodedata.category
    # Beyond plane 3 only variation selectors (marks) are assigned.
    codes = (*range(0x34000), *range(0xE0100, 0xE01F0))
    return union((code, code) for code in codes if category(chr(code)) in wanted)


@lru_cache(1)
def _case_groups() -> tuple[tuple[int, ...], ...]:
    groups: dict[str, set[int]] = {}
    for code in range(0x1EA00):
        char = chr(code)
        folded = _fold(char)
        if folded != char:
            groups.setdefault(folded, {ord(folded)}).add(code)
    return tuple(tuple(sorted(group)) for group in groups.values())


def _fold(char: str) -> str:
    """Return Unicode's simple case folding of ``char``."""
    folded = char.casefold()
    if len(folded) == 1:
        return folded
    lower = char.lower()
    return lower if len(lower) == 1 else _SIMPLE_FOLDS.get(char, char)


# Characters whose full folding is a string, yet whose simple folding is another such character.
_SIMPLE_FOLDS = {"\u1fd3": "\u0390", "\u1fe3": "\u03b0", "\ufb05": "\ufb06"}
_ASCII_EXTRAS = {"k": 0x212A, "s": 0x17F}


def fold_case(ranges: Ranges) -> Ranges:
    """Return ``ranges`` with every character that differs only in case from one of theirs."""
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1] < 128:
        char = chr(ranges[0][0])
        codes = {ord(char.lower()), ord(char.upper())}
        if char.lower() in _ASCII_EXTRAS:
            codes.add(_ASCII_EXTRAS[char.lower()])
        return union((code, code) for code in codes)
    added = [
        (code, code)
        for group in _case_groups()
        if any(contains(ranges, code) for code in group)
        for code in group
    ]
    return union((*ranges, *added))
