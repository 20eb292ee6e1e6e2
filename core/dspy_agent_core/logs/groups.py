"""Groups like records, in bounded memory: exceptions are the last to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dspy_agent_core.contracts.results import Frame, LogEvent
from dspy_agent_core.logs.levels import LEVELS
from dspy_agent_core.logs.signatures import signature
from dspy_agent_core.logs.times import Stamp

Key = tuple[object, ...]

MAX_GROUPS: Final = 5000


@dataclass(slots=True)
class Happening:
    """What one record says, ready to be grouped. ``order`` sorts by time: (epoch, line number)."""

    key: Key
    level: int
    message: str
    example: str
    order: tuple[float, int]
    stamp: Stamp | None = None
    type: str | None = None
    frame: Frame | None = None
    cause: list[str] | None = None
    lines: int = 1
    source: str = ""
    offset: int | None = None


@dataclass(slots=True)
class Group:
    """Like records: the newest stands for all."""

    newest: Happening
    count: int
    lines: int
    first: Stamp | None
    last: Stamp | None

    @property
    def is_exception(self) -> bool:
        """Whether the group is of an exception."""
        return self.newest.type is not None or self.newest.frame is not None

    @property
    def rank(self) -> tuple[bool, int, tuple[float, int]]:
        """Sort key: exceptions, then severity, then age; the highest matters most."""
        return (self.is_exception, self.newest.level, self.newest.order)

    @property
    def signature(self) -> str:
        """The name of the group, which like records have everywhere."""
        return signature(*self.newest.key)

    def event(self, before: int | None) -> LogEvent:
        """Return the group as ``ctx`` shows it; ``before``: its count in the window before."""
        newest = self.newest
        return LogEvent(
            level=LEVELS[newest.level],
            message=newest.message,
            count=self.count,
            type=newest.type,
            frame=newest.frame,
            cause=newest.cause,
            first=self.first.iso if self.first else None,
            last=self.last.iso if self.last else None,
            example=newest.example,
            signature=self.signature,
            before=before,
            source=newest.source or None,
            offset=newest.offset,
        )


class Groups:
    """All groups so far, at most ``MAX_GROUPS``; ``dropped_lines`` counts what had to go."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}
        self.dropped_lines = 0

    def add(self, item: Happening) -> None:
        """Count ``item`` in."""
        group = self._groups.get(item.key)
        if group is None:
            if len(self._groups) >= MAX_GROUPS:
                self._make_room()
            self._groups[item.key] = Group(item, 1, item.lines, item.stamp, item.stamp)
            return
        group.count += 1
        group.lines += item.lines
        if item.stamp is not None:
            if group.first is None or item.stamp.epoch < group.first.epoch:
                group.first = item.stamp
            if group.last is None or item.stamp.epoch >= group.last.epoch:
                group.last = item.stamp
        if item.order >= group.newest.order:
            group.newest = item

    def newest_first(self) -> list[Group]:
        """Return the groups by the time of their newest record."""
        return sorted(self._groups.values(), key=lambda group: group.newest.order, reverse=True)

    def _make_room(self) -> None:
        ranked = sorted(self._groups.items(), key=lambda pair: pair[1].rank)
        for key, group in ranked[: MAX_GROUPS // 10]:
            self.dropped_lines += group.lines
            del self._groups[key]
