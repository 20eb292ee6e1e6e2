"""Counts the events of a log that is followed: how often each has come since following began."""

from __future__ import annotations

from collections import Counter, OrderedDict
from dataclasses import replace
from typing import Final

from dspy_agent.logs.kinds import Kind, Kinds, root
from dspy_agent_core.contracts.results import Hidden, LogContext, LogEvent
from dspy_agent_core.logs.templates import Template

_REMEMBERED: Final = 10_000


class Totals:
    """Turns batches into what is new: each event with its count so far, and ``before`` this batch.

    Args:
        began: the first batch is news too, not what was there before.
    """

    def __init__(self, began: bool) -> None:
        self._kinds = Kinds()
        self._known: OrderedDict[Kind, tuple[int, str | None]] = OrderedDict()  # count and first time
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
        kind = self._kinds.of(event)
        known = self._take_out(kind)
        if known:
            before = sum(total for total, _ in known)
            first = next((first for _, first in known if first), event.first)
            event = replace(event, count=before + event.count, first=first, before=before)
        elif self._began:
            event = replace(event, before=0)
        self._known[root(kind)] = (event.count, event.first)
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return event

    def _take_out(self, kind: Kind) -> list[tuple[int, str | None]]:
        """Remove what is known of ``kind``, and of those that have turned out to be the same."""
        same = [root(kind)]
        if isinstance(kind, Template) and kind.root.parts:
            same = [known for known in self._known if root(known) is kind.root]
        return [self._known.pop(one) for one in same if one in self._known]
