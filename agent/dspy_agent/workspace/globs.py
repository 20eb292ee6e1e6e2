"""Globs as ripgrep reads them, for ignore files and ``-g``: parsed here, matched by ``re`` over bytes.

Follows the grammar of ripgrep's ``globset``: ``*`` and ``?`` stop at a slash, ``**`` crosses folders,
``[...]`` takes ``!`` or ``^``, ``{a,b}`` gives alternatives, a backslash escapes.
"""

from __future__ import annotations

import re

SEPARATOR = "/"
_PREFIX = "(?:/?|.*/)"
_SUFFIX = "/.*"
_BETWEEN = "(?:/|/.*/)"


class BadGlob(ValueError):
    """A glob that can't be read; the message says why."""


def glob_to_regex(glob: str, *, strict: bool = False) -> str:
    """Return a regex for ``re.DOTALL`` over bytes decoded as Latin-1 that matches whole paths.

    Raises:
        BadGlob: for an unclosed brace, a dangling backslash or a reversed range; if ``strict`` also for
            an unclosed bracket, which otherwise stands for itself.
    """
    return _Parser(glob.encode("utf-8", "surrogateescape").decode("latin-1"), strict).parse()


class _Parser:
    def __init__(self, glob: str, strict: bool) -> None:
        self.glob = glob
        self.strict = strict
        self.at = 0
        self.stack: list[list[list[str]]] = [[[]]]

    @property
    def tokens(self) -> list[str]:
        return self.stack[-1][-1]

    def peek(self) -> str:
        return self.glob[self.at : self.at + 1]

    def parse(self) -> str:
        while self.at < len(self.glob):
            previous = self.glob[self.at - 1] if self.at else ""
            char = self.glob[self.at]
            self.at += 1
            if char == "?":
                self.tokens.append("[^/]")
            elif char == "*":
                self.star(previous)
            elif char == "[":
                self.char_class()
            elif char == "{":
                self.stack.append([[]])
            elif char == "}":
                self.close_alternatives()
            elif char == "," and len(self.stack) > 1:
                self.stack[-1].append([])
            elif char == "\\":
                if not self.peek():
                    raise BadGlob("it ends in a backslash")
                self.tokens.append(re.escape(self.peek()))
                self.at += 1
            else:
                self.tokens.append(re.escape(char))
        if len(self.stack) > 1:
            raise BadGlob("a '{' is never closed")
        return ".*" if self.tokens == [_PREFIX] else "".join(self.tokens)

    def close_alternatives(self) -> None:
        if len(self.stack) < 2:
            raise BadGlob("a '}' was never opened")
        branches = ["".join(branch) for branch in self.stack.pop()]
        kept = [branch for branch in branches if branch]
        if kept:
            self.tokens.append(f"(?:{'|'.join(kept)})")

    def star(self, previous: str) -> None:
        tokens = self.tokens
        if self.peek() != "*":
            tokens.append("[^/]*")
            return
        self.at += 1
        following = self.peek()
        if not tokens:
            if following not in ("", SEPARATOR):
                tokens += ["[^/]*", "[^/]*"]
            else:
                tokens.append(_PREFIX)
                self.at += 1
            return
        in_braces = len(self.stack) > 1
        if previous != SEPARATOR and not (in_braces and previous in ",{"):
            tokens += ["[^/]*", "[^/]*"]
            return
        if following == "" or (in_braces and following in ",}"):
            replacement = _SUFFIX
        elif following == SEPARATOR:
            replacement = _BETWEEN
            self.at += 1
        else:
            tokens += ["[^/]*", "[^/]*"]
            return
        last = tokens.pop()
        tokens.append(last if last in (_PREFIX, _SUFFIX) else replacement)

    def char_class(self) -> None:
        start = self.at
        negated = self.peek() in ("!", "^") and bool(self.peek())
        self.at += negated
        ranges: list[tuple[str, str]] = []
        first, in_range = True, False
        while True:
            char = self.peek()
            if not char and self.strict:
                raise BadGlob("a '[' is never closed")
            if not char:
                self.at = start
                self.tokens.append(re.escape("["))
                return
            self.at += 1
            if char == "]" and not first:
                break
            if char == "-" and not first and not in_range:
                in_range = True
            elif in_range:
                if char < ranges[-1][0]:
                    raise BadGlob("a range in [...] is reversed")
                ranges[-1] = (ranges[-1][0], char)
                in_range = False
            else:
                ranges.append((char, char))
            first = False
        if in_range:
            ranges.append(("-", "-"))
        body = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
        self.tokens.append(f"[{'^' if negated else ''}{body}]")
