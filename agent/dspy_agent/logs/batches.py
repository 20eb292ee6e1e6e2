"""Reduces lines that keep coming, batch by batch, without cutting a stack trace in two."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.results import LogContext
from dspy_agent_core.logs import Reducer, ReducerOptions
from dspy_agent_core.logs.frames import Resolve
from dspy_agent_core.logs.levels import ERROR, sounds_like
from dspy_agent_core.logs.lines import parse_line

# Seconds, as in the windows of the streams, but for files, whose writers are less even.
_HOLD: Final = 0.1
_LONGEST: Final = 1.0
_GAP: Final = 0.15
_GRACE: Final = 2.0


class Batches:
    """Takes lines with the time of their reading, and gives the events of each batch.

    A batch is due shortly after its first line that will be shown. It ends once no source is within a
    record: it was silent for a moment, or its last line was a whole record.

    Args:
        options: what to keep; its limit and budget hold for the first batch only.
        resolve: maps a path of a trace to one of the workspace.
    """

    def __init__(self, options: ReducerOptions, resolve: Resolve) -> None:
        self._options, self._resolve = options, resolve
        self._reducer = Reducer(options, resolve)
        self._due: float | None = None
        self._within: dict[str, float] = {}

    def take(self, text: str, source: str, at: float, offset: int, now: float) -> LogContext | None:
        """Take a line; return the batch that ends before it."""
        line = parse_line(text, at)
        ended = self.ended(now) if line.headed else None
        level = line.level if line.level is not None else sounds_like(line.text)
        hold = _HOLD if level >= self._options.level else _LONGEST
        self._due = now + hold if self._due is None else min(self._due, now + hold)
        self._within.pop(source, None)
        if not line.headed or level >= ERROR:
            self._within[source] = now
        self._reducer.take(line, source, at, offset)
        return ended

    @property
    def is_open(self) -> bool:
        """Whether there are lines that were not given yet."""
        return self._due is not None

    def touch(self, now: float) -> None:
        """Take what was read so far as read just now: what is within a record may go on."""
        self._within = dict.fromkeys(self._within, now)

    def ended(self, now: float) -> LogContext | None:
        """Return the batch, if it may end now."""
        if self._due is None or now < self._due:
            return None
        if now < self._due + _GRACE and any(now - since < _GAP for since in self._within.values()):
            return None
        return self.end()

    def end(self) -> LogContext:
        """End the batch and return its events, newest first."""
        result = self._reducer.result()
        self._options = replace(self._options, limit=None, budget=None)
        self._reducer = Reducer(self._options, self._resolve)
        self._due = None
        self._within.clear()
        return result
