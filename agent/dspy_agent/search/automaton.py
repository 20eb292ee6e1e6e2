"""A pattern as a lazy deterministic automaton: slower than ``re`` on most lines, linear on every line.

States are sets of positions in a Thompson automaton, made when first met and kept in dictionaries.
"""

from __future__ import annotations

import time
from collections.abc import Iterable

from dspy_agent.search import chars
from dspy_agent.search.dialect import bad_pattern
from dspy_agent.search.syntax import Chars, Choice, Look, Node, Repeat, Sequence

MAX_STATES = 10_000
_END, _OTHER, _WORD, _RAW = range(4)  # what stands before or behind a place: nothing, a character, a byte
_ACCEPT = -1


class _State(dict[int, "_State | None"]):
    """A state: character → next state, None once the line matches."""

    __slots__ = ("automaton", "before", "positions")

    def __init__(self, automaton: LineAutomaton, positions: frozenset[int], before: int) -> None:
        self.automaton = automaton
        self.positions = positions
        self.before = before

    def __missing__(self, code: int) -> _State | None:
        found = self[code] = self.automaton.step(self, code)
        return found


class LineAutomaton:
    """Says whether a line holds a match of a pattern, in time linear in the line."""

    def __init__(self, node: Node, *, ascii_only: bool, deadline: float | None = None) -> None:
        """``deadline``: the ``time.monotonic()`` at which matching gives up with ``BadPattern``."""
        self.word = chars.POSIX["word"] if ascii_only else chars.word()
        self.deadline = deadline
        # A position is (ranges, next) for a character, (kind, next) for a place, a list for a fork.
        self.program: list[tuple[chars.Ranges | str, int] | list[int]] = []
        self.start = self._add(node, _ACCEPT)
        self.states: dict[tuple[frozenset[int], int], _State] = {}

    def matches(self, codes: Iterable[int]) -> bool:
        """Say whether the line with these character codes holds a match."""
        state: _State | None = self._state(frozenset((self.start,)), _END)
        for code in codes:
            state = state[code]  # type: ignore[index]
            if state is None:
                return True
        assert state is not None  # noqa: S101
        return self._closure(state, _END) is None

    def _add(self, node: Node, after: int) -> int:
        """Add ``node`` to the program, going on at ``after``; return where it starts."""
        match node:
            case Chars(ranges):
                return self._put((ranges, after))
            case Look(kind):
                return self._put((kind, after))
            case Sequence(items):
                for item in reversed(items):
                    after = self._add(item, after)
                return after
            case Choice(branches):
                return self._put([self._add(branch, after) for branch in branches])
            case Repeat(item, low, high):
                return self._add_repeat(item, low, high, after)

    def _add_repeat(self, item: Node, low: int, high: int | None, after: int) -> int:
        if high is None:
            fork = self._put([after])
            entry = self.program[fork]
            assert isinstance(entry, list)  # noqa: S101
            entry.append(self._add(item, fork))
            after = fork
        else:
            end = after
            for _ in range(high - low):
                after = self._put([end, self._add(item, after)])
        for _ in range(low):
            after = self._add(item, after)
        return after

    def _put(self, position: tuple[chars.Ranges | str, int] | list[int]) -> int:
        self.program.append(position)
        return len(self.program) - 1

    def _kind(self, code: int) -> int:
        if chars.contains(self.word, code):
            return _WORD
        return _RAW if 0xDC80 <= code <= 0xDCFF else _OTHER

    def _state(self, positions: frozenset[int], before: int) -> _State:
        if len(self.states) > MAX_STATES:
            self.states.clear()
        key = (positions, before)
        return self.states.get(key) or self.states.setdefault(key, _State(self, positions, before))

    def step(self, state: _State, code: int) -> _State | None:
        """Return the state after ``code``, None once the line matches."""
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise bad_pattern("it takes too long on this text", "Use a simpler pattern or fewer files.")
        following = self._kind(code)
        reached = self._closure(state, following)
        if reached is None:
            return None
        moved = {self.start}
        for position in reached:
            entry = self.program[position]
            if isinstance(entry, tuple) and not isinstance(entry[0], str) and chars.contains(entry[0], code):
                moved.add(entry[1])
        return None if _ACCEPT in moved else self._state(frozenset(moved), following)

    def _closure(self, state: _State, following: int) -> set[int] | None:
        """Return the positions reached without reading on; None if the match is complete."""
        seen: set[int] = set()
        stack = list(state.positions)
        while stack:
            position = stack.pop()
            if position == _ACCEPT:
                return None
            if position in seen:
                continue
            seen.add(position)
            entry = self.program[position]
            if isinstance(entry, list):
                stack += entry
            elif isinstance(entry[0], str) and _holds(entry[0], state.before, following):
                stack.append(entry[1])
        return seen


def _holds(kind: str, before: int, after: int) -> bool:
    word_before, word_after = before == _WORD, after == _WORD
    match kind:
        case "^":
            return before == _END
        case "$":
            return after == _END
        case "b":
            return word_before != word_after
        case "B":
            return word_before == word_after and _RAW not in (before, after)
        case "<":
            return not word_before and word_after
        case ">":
            return word_before and not word_after
        case "start-half":
            return before not in (_WORD, _RAW)
        case _:
            return after not in (_WORD, _RAW)
