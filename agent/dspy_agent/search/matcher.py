"""Finds the lines of a text that match a pattern, by the fastest way that can't run away.

``re`` backtracks: quick on most lines, endless on some. It is used where its cost has a bound for the
longest line at hand and a prefilter or the clock does not say otherwise; the automaton does the rest.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import cached_property
from typing import AnyStr

from dspy_agent.search.automaton import LineAutomaton
from dspy_agent.search.emit import compile_ascii, compile_unicode
from dspy_agent.search.syntax import Node, backtracking_cost, required_text

SLICE = 64 << 10  # characters between two looks at the clock
SLOW_SLICE = 0.2  # seconds: a slice that takes longer goes on by the automaton
DEADLINE = 60.0  # seconds that the automaton may take in one search


class LineMatcher:
    """One pattern, ready to search blocks of whole lines."""

    def __init__(self, node: Node) -> None:
        self.node = node
        self.cost = backtracking_cost(node)
        self.backtracks = self.cost.weight is not None
        self.deadline = time.monotonic() + DEADLINE

    def find(self, block: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the number (from 0) and the bytes of each matching line of ``block``.

        ``block`` is UTF-8 but for stray bytes, has no NUL and no byte order mark, and ends at a line's end.
        """
        if block.isascii():
            if self._ascii_text and self._ascii_text.encode() not in block.lower():
                return
            yield from self._find(block, b"\n", self._ascii_re, self._ascii_hint, self._ascii_automaton)
            return
        if self._unicode_text and self._unicode_text.encode() not in block.lower():
            return
        text = block.decode("utf-8", "surrogateescape")
        for number, line in self._find(
            text, "\n", self._unicode_re, self._unicode_hint, self._unicode_automaton
        ):
            yield number, line.encode("utf-8", "surrogateescape")

    @cached_property
    def _ascii_text(self) -> str:
        return required_text(self.node, ascii_only=True)

    @cached_property
    def _unicode_text(self) -> str:
        return required_text(self.node, ascii_only=False)

    @cached_property
    def _ascii_re(self) -> re.Pattern[bytes]:
        return compile_ascii(self.node)

    @cached_property
    def _unicode_re(self) -> re.Pattern[str]:
        return compile_unicode(self.node)

    @cached_property
    def _ascii_hint(self) -> re.Pattern[bytes]:
        return re.compile(re.escape(self._ascii_text.encode()), re.IGNORECASE)

    @cached_property
    def _unicode_hint(self) -> re.Pattern[str]:
        return re.compile(re.escape(self._unicode_text), re.IGNORECASE | re.ASCII)

    @cached_property
    def _ascii_automaton(self) -> LineAutomaton:
        return LineAutomaton(self.node, ascii_only=True, deadline=self.deadline)

    @cached_property
    def _unicode_automaton(self) -> LineAutomaton:
        return LineAutomaton(self.node, ascii_only=False, deadline=self.deadline)

    def _find(
        self,
        text: AnyStr,
        newline: AnyStr,
        pattern: re.Pattern[AnyStr],
        hint: re.Pattern[AnyStr],
        automaton: LineAutomaton,
    ) -> Iterator[tuple[int, AnyStr]]:
        number = start = 0
        while start < len(text):
            end = text.rfind(newline, start, start + SLICE) + 1 or text.find(newline, start) + 1 or len(text)
            part = text[start:end]
            if self.backtracks and self.cost.allows(_longest_line(part, newline)):
                started = time.monotonic()
                yield from _find_by_re(part, newline, pattern, number)
                self.backtracks = time.monotonic() - started < SLOW_SLICE
            else:
                yield from _find_by_automaton(part, newline, hint, automaton, number)
            number += part.count(newline)
            start = end


def _longest_line(text: AnyStr, newline: AnyStr) -> int:
    return max(map(len, text.split(newline)))


def _find_by_re(
    text: AnyStr, newline: AnyStr, pattern: re.Pattern[AnyStr], number: int
) -> Iterator[tuple[int, AnyStr]]:
    at = counted = 0
    while at < len(text) and (match := pattern.search(text, at)):
        place = match.start()
        if place == len(text) and text.endswith(newline):
            return  # behind the last line
        start = text.rfind(newline, 0, place) + 1
        end = text.find(newline, place)
        end = len(text) if end < 0 else end
        number += text.count(newline, counted, start)
        counted = start
        yield number, text[start:end]
        at = end + 1


def _find_by_automaton(
    text: AnyStr, newline: AnyStr, hint: re.Pattern[AnyStr], automaton: LineAutomaton, number: int
) -> Iterator[tuple[int, AnyStr]]:
    """Try the lines that hold what ``hint`` finds; every match does."""
    at = counted = 0
    while at < len(text) and (match := hint.search(text, at)):
        start = text.rfind(newline, 0, match.start()) + 1
        if start == len(text):
            return
        end = text.find(newline, match.start())
        end = len(text) if end < 0 else end
        line = text[start:end]
        if automaton.matches(line if isinstance(line, bytes) else map(ord, line)):
            number += text.count(newline, counted, start)
            counted = start
            yield number, line
        at = end + 1
