"""How a symbol's lines are laid out: shown to a model at the margin, and put back as its file is written."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Sequence
from typing import Final

_LEADING: Final = re.compile(r"[ \t]*")
_STATEMENT_STARTS: Final = (tokenize.NEWLINE, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT)
_TAB: Final = 4


def at_margin(lines: Sequence[str], fixed: frozenset[int] = frozenset()) -> tuple[list[str], str]:
    """Return ``lines`` (without line ends) moved to the left margin, and the indent that was taken away.

    Args:
        fixed: numbers of lines, from 0, that are not moved: they are inside of strings.
    """
    margin = leading(lines[0]) if lines else ""
    for number, line in enumerate(lines):
        if line.strip() and number not in fixed:
            margin = _common(margin, leading(line))
    return [
        line if number in fixed else line[len(margin) :] if line.strip() else ""
        for number, line in enumerate(lines)
    ], margin


def indented(lines: Sequence[str], margin: str, fixed: frozenset[int] = frozenset()) -> list[str]:
    """Return ``lines`` with ``margin`` before each that is neither blank nor ``fixed``."""
    return [
        line if number in fixed or not line.strip() else margin + line for number, line in enumerate(lines)
    ]


def in_units_of(lines: Sequence[str], unit: str, fixed: frozenset[int] = frozenset()) -> list[str]:
    """Return ``lines`` with their own unit of indentation replaced by ``unit``."""
    own = indent_unit(lines)
    if not own or not unit or own == unit:
        return list(lines)
    width = len(own.expandtabs(_TAB))
    moved = []
    for number, line in enumerate(lines):
        indent = leading(line)
        if number in fixed or not indent:
            moved.append(line)
            continue
        units, rest = divmod(len(indent.expandtabs(_TAB)), width)
        moved.append(unit * units + " " * rest + line[len(indent) :])
    return moved


def indent_unit(lines: Sequence[str]) -> str:
    """Return what a block of ``lines`` is indented by; "" if there is no block."""
    before = ""
    for line in lines:
        if not line.strip():
            continue
        if before.rstrip().endswith((":", "{")):
            indent, outer = leading(line), leading(before)
            if indent.startswith(outer) and len(indent) > len(outer):
                return indent[len(outer) :]
        before = line
    return ""


def string_lines(text: str) -> frozenset[int]:
    """Return the numbers (from 0) of the lines of Python ``text`` that start within a string.

    Strings that stand alone, as docstrings do, don't count, since their indentation means nothing; unless
    a line of theirs stands further left than they do.
    """
    inside: set[int] = set()
    before = tokenize.NEWLINE
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            multiline = token.start[0] < token.end[0]
            is_text = token.type == tokenize.STRING or "FSTRING" in tokenize.tok_name[token.type]
            if multiline and is_text and (before not in _STATEMENT_STARTS or _sticks_out(token)):
                inside.update(range(token.start[0], token.end[0]))
            before = token.type
    except (tokenize.TokenError, SyntaxError):
        pass
    return frozenset(inside)


def _sticks_out(token: tokenize.TokenInfo) -> bool:
    later = token.string.split("\n")[1:]
    return any(line.strip() and len(leading(line)) < token.start[1] for line in later)


def leading(line: str) -> str:
    """Return the white space that a line starts with."""
    found = _LEADING.match(line)
    return found[0] if found else ""


def _common(left: str, right: str) -> str:
    size = next((at for at, (a, b) in enumerate(zip(left, right, strict=False)) if a != b), None)
    return left[: min(len(left), len(right)) if size is None else size]
