"""Counts the events of a log that is followed: how often each has come since following began."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import replace
from typing import Final

from dspy_agent.logs.kinds import Kind, Kinds, root
from dspy_agent_core.contracts.results import Hidden, LogContext, LogEvent
from dspy_agent_core.logs.templates import Template

_REMEMBERED: Final = 10_000
_AGAIN_SECONDS: Final = 1.0  # what only comes again is told no more often


class Totals:
    """Turns batches into what is new: each event with its count so far, and ``before``, when told last.

    Args:
        began: the first batch is news too, not what was there before.
    """

    def __init__(self, began: bool) -> None:
        self._kinds = Kinds()
        self._known: OrderedDict[Kind, tuple[int, str | None]] = OrderedDict()  # count and first time
        self._waiting: OrderedDict[Kind, LogEvent] = OrderedDict()
        self._hidden: Counter[str] = Counter()
        self._lines = 0
        self._began = began
        self._told = float("-inf")

    def add(self, batch: LogContext, now: float) -> LogContext | None:
        """Return what is to be told with ``batch``, oldest event first; None if there is nothing now."""
        self._lines += batch.lines_read
        for item in batch.hidden:
            self._hidden[item.rule] += item.lines
        for event in reversed(batch.events):
            kind, counted = self._count(event)
            waiting = self._waiting.pop(kind, counted)
            self._waiting[kind] = replace(counted, before=waiting.before)
        if batch.unread or not self._began:
            self._began = True
            return replace(self.rest(now), files=batch.files, apps=batch.apps, unread=batch.unread)
        return self.due(now)

    def due(self, now: float) -> LogContext | None:
        """Return what is to be told now: something new at once, what came again once a second."""
        if not self._waiting:
            return None
        is_new = any(not event.before for event in self._waiting.values())
        return self.rest(now) if is_new or now >= self._told + _AGAIN_SECONDS else None

    def rest(self, now: float) -> LogContext:
        """Return all that was not told yet, with the lines read and hidden meanwhile."""
        self._told = now
        events, self._waiting = list(self._waiting.values()), OrderedDict()
        lines, self._lines = self._lines, 0
        hidden, self._hidden = self._hidden, Counter()
        return LogContext(events, [Hidden(*pair) for pair in sorted(hidden.items())], lines)

    def _count(self, event: LogEvent) -> tuple[Kind, LogEvent]:
        kind = self._kinds.of(event)
        known = self._take_out(kind)
        if known:
            before = sum(total for total, _ in known)
            first = next((first for _, first in known if first), event.first)
            event = replace(event, count=before + event.count, first=first, before=before)
        elif self._began:
            event = replace(event, before=0)
        elif event.before:  # a count in a window of the streams, not one that was told here
            event = replace(event, before=None)
        self._known[root(kind)] = (event.count, event.first)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return root(kind), event

    def _take_out(self, kind: Kind) -> list[tuple[int, str | None]]:
        """Remove what is known of ``kind``, and of those that have turned out to be the same."""
        same = [root(kind)]
        if isinstance(kind, Template) and kind.root.parts:
            same = [known for known in self._known if root(known) is kind.root]
        return [self._known.pop(one) for one in same if one in self._known]
