"""Reads JSON as models write it: cut off, fenced in prose, with the wrong quotes, commas or words of Python.

In one pass, so that rubbish of any kind is read in time that grows with its length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

_DEPTH: Final = 40
_OBJECTS: Final = 8  # where an answer may begin
_QUOTES: Final = {'"': '"', "'": "'", "`": "`", "\u201c": "\u201d"}
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}
_WORDS: Final = {"true": True, "false": False, "null": None, "none": None}
_GAP: Final = re.compile(r"(?:\s|//[^\n]{0,300}\n|/\*.{0,300}?\*/)*", re.DOTALL)
_ENDS: Final = re.compile(r"\s{0,200}(?:[,:}\]]|\Z)")
_BARE: Final = re.compile(r"[^,:{}\[\]\n]*")
_NUMBER: Final = re.compile(r"-?\d{1,18}(\.\d{1,18})?(?:[eE][+-]?\d{1,3})?")
_HEX: Final = re.compile(r"u([0-9a-fA-F]{4})")


def objects(text: str) -> Iterator[dict[str, Any]]:
    """Yield what can be read from each of the first places where an object may begin."""
    at = -1
    for _ in range(_OBJECTS):
        at = text.find("{", at + 1)
        if at < 0:
            return
        yield _Reader(text, at + 1).object(_DEPTH)


class _Reader:
    """Reads on from ``at``. Each method moves on, so that each ends."""

    def __init__(self, text: str, at: int) -> None:
        self._text = text
        self._at = at

    def object(self, depth: int) -> dict[str, Any]:
        """Return the object that began before ``at``."""
        read: dict[str, Any] = {}
        while (sign := self._peek()) and sign != "}":
            if sign in ",:[]{":
                self._at += 1
                continue
            name = self._string(sign) if sign in _QUOTES else self._bare().strip()
            if self._peek() == ":":
                self._at += 1
                read.setdefault(str(name), self._value(depth - 1))
        self._at += 1
        return read

    def _array(self, depth: int) -> list[Any]:
        read: list[Any] = []
        while (sign := self._peek()) and sign != "]":
            if sign == "}":
                return read  # it was never closed; the object around it ends here
            if sign in ",:":
                self._at += 1
            else:
                read.append(self._value(depth - 1))
        self._at += 1
        return read

    def _value(self, depth: int) -> Any:
        sign = self._peek()
        if sign in ("{", "["):
            self._at += 1
            if depth <= 0:
                return None
            return self.object(depth) if sign == "{" else self._array(depth)
        if sign in _QUOTES:
            begins = self._at + 1 < len(self._text)  # else it was cut before anything of it came
            text = self._string(sign)
            return text if begins else None
        if sign in ("", ",", "}", "]", ":"):
            return None
        word = self._bare().strip()
        number = _NUMBER.fullmatch(word)
        if number:
            return float(word) if number[1] or "e" in word.lower() else int(word)
        return _WORDS.get(word.lower(), word)

    def _string(self, quote: str) -> str:
        """Return the text in quotes; a quote within, after which the text goes on, is part of it."""
        text, closing = self._text, _QUOTES[quote]
        self._at += 1
        pieces: list[str] = []
        while self._at < len(text):
            sign = text[self._at]
            self._at += 1
            if sign == closing and _ENDS.match(text, self._at):
                break
            pieces.append(self._escaped() if sign == "\\" else sign)
        return "".join(pieces)

    def _escaped(self) -> str:
        code = _HEX.match(self._text, self._at)
        if code:
            self._at = code.end()
            return chr(int(code[1], 16))
        sign = self._text[self._at : self._at + 1]
        self._at += 1
        return _ESCAPES.get(sign, sign)

    def _bare(self) -> str:
        """Return a word without quotes; at least one sign is read."""
        found = _BARE.match(self._text, self._at)
        end = max(found.end() if found else 0, self._at + 1)
        word, self._at = self._text[self._at : end], end
        return word

    def _peek(self) -> str:
        """Skip gaps and return the next sign; nothing at the end."""
        gap = _GAP.match(self._text, self._at)
        self._at = gap.end() if gap else self._at
        return self._text[self._at : self._at + 1]
