"""Counts the events of a log that is followed: how often each has come since following began."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable
from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.results import Hidden, LogContext, LogEvent

_REMEMBERED: Final = 10_000


class Totals:
    """Turns batches into what is new: each event with its count so far, and ``before`` this batch."""

    def __init__(self) -> None:
        self._known: OrderedDict[Hashable, LogEvent] = OrderedDict()
        self._hidden: Counter[str] = Counter()
        self._lines = 0
        self._began = False

    def add(self, batch: LogContext) -> LogContext | None:
        """Return ``batch``, oldest event first; None if it has no event (its counts go to the next one)."""
        self._lines += batch.lines_read
        for item in batch.hidden:
            self._hidden[item.rule] += item.lines
        events = [self._count(event) for event in reversed(batch.events)]
        if not events and not batch.unread and self._began:
            return None
        hidden = [Hidden(rule, lines) for rule, lines in sorted(self._hidden.items())]
        lines, self._lines, self._began = self._lines, 0, True
        self._hidden.clear()
        return replace(batch, events=events, hidden=hidden, lines_read=lines)

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
