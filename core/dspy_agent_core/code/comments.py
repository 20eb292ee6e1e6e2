"""The comment above a definition, found in the lines of the source: a tree's siblings cost a walk each."""

from __future__ import annotations

import re

_MARKS = re.compile(r"^\s*(?:/\*+!?|\*(?!/)|//[/!]?|#+|--+)?[ \t]?|\s*\*+/\s*$", re.MULTILINE)
_LICENCE = re.compile(r"copyright|licen[sc]e|spdx|all rights reserved", re.IGNORECASE)
_FIRST_LINES = 60  # a comment that says what a file is for stands in these
MAX_LINES = 400
MAX_WIDTH = 2000

LINE_MARKS: dict[str, tuple[bytes, ...]] = {
    "ruby": (b"#",),
    "shell": (b"#",),
    "python": (b"#",),
    "php": (b"//", b"#"),
    "yaml": (b"#",),
    "sql": (b"--",),
}


class Comments:
    """The comments that stand alone on their lines; rows count from 0."""

    def __init__(self, lines: list[bytes], language: str) -> None:
        self._lines = lines
        self._marks = LINE_MARKS.get(language, (b"//",))
        self._blocks = language not in ("ruby", "shell", "python", "yaml")

    def above(self, row: int) -> tuple[str, int, int] | None:
        """Return the comment that ends on the line before ``row``: its text, first and last row."""
        first = row
        while first > 0 and row - first < MAX_LINES:
            start = self._start(first - 1)
            if start is None:
                break
            first = start
        return self._comment(first, row - 1) if first < row else None

    def at_top(self, taken: set[int]) -> str | None:
        """Return the comment that says what the file is for: the first one that is no licence.

        ``taken``: first rows of comments that belong to definitions.
        """
        row = 0
        last = min(len(self._lines), _FIRST_LINES)
        while row < last:
            line = self._lines[row].strip()
            if not line or line.startswith((b"#!", b"<?php", b"'use strict'", b'"use strict"')):
                row += 1
                continue
            end = self._end(row)
            if end == row:
                return None
            found = None if row in taken else self._comment(row, end - 1)
            if found and not _LICENCE.search(found[0]):
                return found[0]
            row = end
        return None

    def _comment(self, first: int, last: int) -> tuple[str, int, int] | None:
        lines = [line[:MAX_WIDTH].decode("utf-8", "replace") for line in self._lines[first : last + 1]]
        text = _MARKS.sub("", "\n".join(lines)).strip()
        return (text, first, last) if text else None

    def _start(self, row: int) -> int | None:
        """Return the first row of the comment that ends on ``row``, or None."""
        line = self._lines[row].strip()
        if line.startswith(self._marks) and not (line.startswith(b"#!") and row == 0):
            return None if line.startswith(b"#[") and self._blocks else row
        if not self._blocks or not line.endswith(b"*/"):
            return None
        for start in range(row, max(row - MAX_LINES, -1), -1):
            at = self._lines[start].find(b"/*")
            if at >= 0:
                return None if self._lines[start][:at].strip() else start
            if start < row and self._lines[start].endswith(b"*/"):
                return None
        return None

    def _end(self, row: int) -> int:
        """Return the row after the comment that starts on ``row``; ``row`` itself if none does."""
        if self._blocks and self._lines[row].lstrip().startswith(b"/*"):
            for end in range(row, min(row + MAX_LINES, len(self._lines))):
                if b"*/" in self._lines[end]:
                    return end + 1
            return row
        while row < len(self._lines) and self._lines[row].lstrip().startswith(self._marks):
            row += 1
        return row
