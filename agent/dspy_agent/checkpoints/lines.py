"""Which lines two versions of a file have in common, in about linear time whatever they hold.

Patience diff (Cohen, 2003): lines that occur once on each side are matched first, by the longest run in the
same order, then what lies between them. Small gaps without such lines are left to ``difflib``, which is
quadratic or worse; large ones count as replaced.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final

_SMALL: Final = 250_000  # pairs of lines that difflib may look at
_DEEPEST: Final = 60

Opcode = tuple[str, int, int, int, int]
_Pair = tuple[int, int]
_Span = tuple[int, int, int, int]  # first and end of the old lines, first and end of the new ones


def opcodes_of(old: Sequence[str], new: Sequence[str]) -> list[Opcode]:
    """Return what turns ``old`` into ``new``, as ``difflib.SequenceMatcher.get_opcodes`` has it."""
    found: list[Opcode] = []
    at, there = 0, 0
    for first, second, size in _runs(_pairs(old, new, (0, len(old), 0, len(new)), 0), len(old), len(new)):
        if at < first or there < second:
            tag = "insert" if at == first else "delete" if there == second else "replace"
            found.append((tag, at, first, there, second))
        if size:
            found.append(("equal", first, first + size, second, second + size))
        at, there = first + size, second + size
    return found


def _runs(pairs: Iterator[_Pair], old: int, new: int) -> Iterator[tuple[int, int, int]]:
    """Yield the runs of neighbouring pairs, then an empty one at the end of both."""
    start: _Pair | None = None
    size = 0
    for pair in pairs:
        if start is not None and pair == (start[0] + size, start[1] + size):
            size += 1
            continue
        if start is not None:
            yield *start, size
        start, size = pair, 1
    if start is not None:
        yield *start, size
    yield old, new, 0


def _pairs(old: Sequence[str], new: Sequence[str], span: _Span, depth: int) -> Iterator[_Pair]:
    """Yield the pairs of equal lines within ``span``, in order."""
    a, a_end, b, b_end = span
    while a < a_end and b < b_end and old[a] == new[b]:
        yield a, b
        a, b = a + 1, b + 1
    tail = 0
    while a < a_end - tail and b < b_end - tail and old[a_end - tail - 1] == new[b_end - tail - 1]:
        tail += 1
    yield from _between(old, new, (a, a_end - tail, b, b_end - tail), depth)
    for back in range(tail, 0, -1):
        yield a_end - back, b_end - back


def _between(old: Sequence[str], new: Sequence[str], span: _Span, depth: int) -> Iterator[_Pair]:
    a, a_end, b, b_end = span
    if a == a_end or b == b_end:
        return
    anchors = _anchors(old, new, span) if depth < _DEEPEST else []
    if not anchors:
        if (a_end - a) * (b_end - b) <= _SMALL:
            matcher = difflib.SequenceMatcher(None, old[a:a_end], new[b:b_end], autojunk=False)
            for first, second, size in matcher.get_matching_blocks():
                yield from ((a + first + n, b + second + n) for n in range(size))
        return
    for first, second in anchors:
        yield from _pairs(old, new, (a, first, b, second), depth + 1)
        yield first, second
        a, b = first + 1, second + 1
    yield from _pairs(old, new, (a, a_end, b, b_end), depth + 1)


def _anchors(old: Sequence[str], new: Sequence[str], span: _Span) -> list[_Pair]:
    """Return pairs of lines that occur once on each side, as many as are in the same order on both."""
    places = _once(new, span[2], span[3])
    pairs = [(at, places[line]) for line, at in _once(old, span[0], span[1]).items() if line in places]
    ends: list[int] = []  # the lowest end of an ascending run of each length
    last: list[int] = []  # the pair at that end
    before: list[int] = []
    for number, (_, there) in enumerate(pairs):
        length = bisect_left(ends, there)
        ends[length : length + 1] = [there]
        last[length : length + 1] = [number]
        before.append(last[length - 1] if length else -1)
    chosen: list[_Pair] = []
    number = last[-1] if last else -1
    while number >= 0:
        chosen.append(pairs[number])
        number = before[number]
    return chosen[::-1]


def _once(lines: Sequence[str], first: int, end: int) -> dict[str, int]:
    """Return the lines that occur once from ``first`` to ``end``, in order, and where."""
    found: dict[str, int] = {}
    for at in range(first, end):
        found[lines[at]] = -1 if lines[at] in found else at
    return {line: at for line, at in found.items() if at >= 0}
