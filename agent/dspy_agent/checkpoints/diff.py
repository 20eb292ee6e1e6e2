"""Unified diffs of two versions of a file, made here and never by a model."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dspy_agent.checkpoints.lines import Opcode, opcodes_of

_CONTEXT: Final = 3
_NO_NEWLINE: Final = "\\ No newline at end of file\n"


def is_binary(data: bytes) -> bool:
    """Return whether ``data`` is no UTF-8 text."""
    if b"\0" in data:
        return True
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False


def count_lines(before: bytes, after: bytes) -> tuple[int, int]:
    """Return how many lines are added and removed; 0 for binary files."""
    if is_binary(before) or is_binary(after):
        return 0, 0
    added = removed = 0
    for tag, old, old_end, new, new_end in opcodes_of(_lines(before), _lines(after)):
        if tag != "equal":
            removed += old_end - old
            added += new_end - new
    return added, removed


def changed_ranges(before: bytes, after: bytes) -> list[tuple[int, int]]:
    """Return the line ranges of ``before`` that change, from 1; an insertion is at the line above it."""
    if is_binary(before) or is_binary(after):
        return []
    opcodes = opcodes_of(_lines(before), _lines(after))
    return [(max(a, 1) if a == b else a + 1, max(a, b, 1)) for tag, a, b, _, _ in opcodes if tag != "equal"]


def unified(path: str, before: bytes | None, after: bytes | None) -> str:
    """Return the diff as git prints it; None: there is no such file."""
    old_name = "/dev/null" if before is None else f"a/{path}"
    new_name = "/dev/null" if after is None else f"b/{path}"
    if is_binary(before or b"") or is_binary(after or b""):
        return f"Binary files {old_name} and {new_name} differ\n"
    old, new = _lines(before or b""), _lines(after or b"")
    body = "".join(_hunks(old, new))
    return f"--- {old_name}\n+++ {new_name}\n{body}"


def _lines(data: bytes) -> list[str]:
    """Return lines with their ends; only a newline ends a line, so that CR stays visible in it."""
    text = data.decode("utf-8")
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _hunks(old: list[str], new: list[str]) -> Iterator[str]:
    for group in _groups(opcodes_of(old, new)):
        first, last = group[0], group[-1]
        yield f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@\n"
        for tag, a, b, c, d in group:
            if tag == "equal":
                yield from (_marked(" ", line) for line in old[a:b])
            else:
                yield from (_marked("-", line) for line in old[a:b])
                yield from (_marked("+", line) for line in new[c:d])


def _groups(opcodes: list[Opcode]) -> Iterator[list[Opcode]]:
    """Yield hunks: changes with the equal lines around them, apart where many equal ones lie between."""
    group: list[Opcode] = []
    for number, (tag, a, b, c, d) in enumerate(opcodes):
        if tag != "equal":
            group.append((tag, a, b, c, d))
            continue
        is_last = number == len(opcodes) - 1
        if group and (is_last or b - a > 2 * _CONTEXT):
            ahead = min(_CONTEXT, b - a)
            yield [*group, ("equal", a, a + ahead, c, c + ahead)]
            group = []
        if not is_last:
            keep = min(b - a, _CONTEXT if not group else b - a)
            group.append(("equal", b - keep, b, d - keep, d))
    if group:
        yield group


def _marked(sign: str, line: str) -> str:
    return f"{sign}{line}" if line.endswith("\n") else f"{sign}{line}\n{_NO_NEWLINE}"


def _range(start: int, stop: int) -> str:
    length = stop - start
    beginning = start + 1 if length else start
    return f"{beginning}" if length == 1 else f"{beginning},{length}"
