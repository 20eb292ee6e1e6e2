"""Writes a syntax tree as a pattern for ripgrep or for Python's ``re``."""

from __future__ import annotations

import re
from functools import lru_cache

from dspy_agent.search import chars
from dspy_agent.search.syntax import Chars, Choice, Look, Node, Repeat, Sequence

_RUST_LOOKS = {"b": r"\b", "B": r"\B", "<": r"\b{start}", ">": r"\b{end}", "^": "^", "$": "$"}
_RUST_LOOKS |= {"start-half": r"\b{start-half}", "end-half": r"\b{end-half}"}
_ASCII_LOOKS = {
    "b": r"\b",
    "B": r"(?:(?<=\w)(?=\w)|(?<!\w)(?!\w))",
    "<": r"\b(?=\w)",
    ">": r"\b(?<=\w)",
    "^": "^",
    "$": "$",
}
_ASCII_LOOKS |= {"start-half": r"(?<!\w)", "end-half": r"(?!\w)"}
_RAW = "\udc80-\udcff"  # bytes that are not UTF-8, after decoding with surrogateescape


def for_ripgrep(node: Node) -> str:
    """Return ``node`` in the syntax of Rust's ``regex``."""
    match node:
        case Chars(ranges):
            return _rust_class(ranges)
        case Look(kind):
            return _RUST_LOOKS[kind]
    return _compound(node, for_ripgrep)


def compile_ascii(node: Node) -> re.Pattern[bytes]:
    """Return ``node`` compiled for bytes that are all ASCII."""
    return re.compile(_for_ascii(node).encode("ascii"), re.MULTILINE)


def compile_unicode(node: Node) -> re.Pattern[str]:
    """Return ``node`` compiled for text decoded from UTF-8 with ``surrogateescape``."""
    return re.compile(_for_unicode(node), re.MULTILINE)


def _compound(node: Node, write: object) -> str:
    assert callable(write)  # noqa: S101
    match node:
        case Sequence(items):
            return "".join(write(item) for item in items)
        case Choice(branches):
            return f"(?:{'|'.join(write(branch) for branch in branches)})"
        case Repeat(item, low, high):
            return f"(?:{write(item)}){_counts(low, high)}"
    raise TypeError(node)


def _counts(low: int, high: int | None) -> str:
    return f"{{{low}}}" if low == high else f"{{{low},{'' if high is None else high}}}"


def _rust_class(ranges: chars.Ranges) -> str:
    if not ranges:
        return r"[^\x{0}-\x{10FFFF}]"
    if ranges[0][0] == ranges[-1][1]:
        return rf"\x{{{ranges[0][0]:X}}}"
    return "[" + "".join(rf"\x{{{low:X}}}-\x{{{high:X}}}" for low, high in ranges) + "]"


def _for_ascii(node: Node) -> str:
    match node:
        case Chars(ranges):
            kept = [(low, min(high, 127)) for low, high in ranges if low < 128]
            return _python_class(tuple(kept))
        case Look(kind):
            return _ASCII_LOOKS[kind]
    return _compound(node, _for_ascii)


def _for_unicode(node: Node) -> str:
    match node:
        case Chars(ranges):
            return _python_class(ranges)
        case Look(kind):
            return kind if kind in "^$" else _unicode_looks()[kind]
    return _compound(node, _for_unicode)


def _python_class(ranges: chars.Ranges) -> str:
    if not ranges:
        return "(?!)"
    if ranges[0][0] == ranges[-1][1]:
        return re.escape(chr(ranges[0][0]))
    return "[" + "".join(f"{_escape(low)}-{_escape(high)}" for low, high in ranges) + "]"


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\U{code:08x}"


@lru_cache(1)
def _unicode_looks() -> dict[str, str]:
    word = _python_class(chars.word())
    raw_or_word = f"{word[:-1]}{_RAW}]"
    return {
        "b": f"(?:(?<={word})(?!{word})|(?<!{word})(?={word}))",
        "B": f"(?:(?<={word})(?={word})|(?<!{raw_or_word})(?!{raw_or_word}))",
        "<": f"(?<!{word})(?={word})",
        ">": f"(?<={word})(?!{word})",
        "start-half": f"(?<!{raw_or_word})",
        "end-half": f"(?!{raw_or_word})",
    }
