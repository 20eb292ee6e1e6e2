"""Counts the events of a log that is followed: how often each has come since following began."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.results import Hidden, LogContext, LogEvent

_REMEMBERED: Final = 10_000


class Totals:
    """Turns batches into what is new: each event with its count so far, and ``before`` this batch.

    Args:
        began: the first batch is news too, not what was there before.
    """

    def __init__(self, began: bool) -> None:
        self._known: OrderedDict[Hashable, LogEvent] = OrderedDict()
        self._hidden: Counter[str] = Counter()
        self._lines = 0
        self._began = began

    def add(self, batch: LogContext) -> LogContext | None:
        """Return ``batch``, oldest event first; None if it says nothing (its counts go to the next one)."""
        self._lines += batch.lines_read
        for item in batch.hidden:
            self._hidden[item.rule] += item.lines
        if not batch.events and not batch.unread and self._began:
            return None
        events = [self._count(event) for event in reversed(batch.events)]
        self._began = True
        return replace(self.rest(), events=events, files=batch.files, apps=batch.apps, unread=batch.unread)

    def rest(self) -> LogContext:
        """Return the counts that no event has taken along."""
        lines, self._lines = self._lines, 0
        hidden, self._hidden = self._hidden, Counter()
        return LogContext(hidden=[Hidden(*pair) for pair in sorted(hidden.items())], lines_read=lines)

    def _count(self, event: LogEvent) -> LogEvent:
        key = (event.app, event.signature or (event.level, event.type, event.message))
        known = self._known.pop(key, None)
        if known is not None:
            first, total = known.first or event.first, known.count + event.count
            event = replace(event, count=total, first=first, before=known.count)
        elif self._began:
            event = replace(event, before=0)
        self._known[key] = replace(event, example=None)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return event
