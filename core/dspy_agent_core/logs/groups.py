"""Groups like records, in bounded memory. Exceptions never go: too many of them share coarser groups."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.happenings import Happening, Order
from dspy_agent_core.logs.levels import LEVELS
from dspy_agent_core.logs.mask import mask
from dspy_agent_core.logs.signatures import signature
from dspy_agent_core.logs.templates import Template, TemplateTree
from dspy_agent_core.logs.times import Stamp

Key = tuple[object, ...]

MAX_TEMPLATES: Final = 2000  # of each level
MAX_EXCEPTIONS: Final = 1600


class Group:
    """Like records: the newest stands for all.

    ``seen`` of them have come; ``count``, ``lines`` and the times are of those that are to be shown.
    """

    __slots__ = ("count", "first", "key", "last", "level", "lines", "newest", "seen", "template")

    def __init__(self, level: int, key: Key = (), template: Template | None = None) -> None:
        self.level = level
        self.key = key
        self.template = template
        self.newest: Happening | None = None
        self.first: Stamp | None = None
        self.last: Stamp | None = None
        self.count = self.lines = self.seen = 0

    @property
    def is_exception(self) -> bool:
        """Whether the group is of an exception."""
        return self.template is None

    @property
    def order(self) -> Order:
        """When the newest record came."""
        return self.newest.order if self.newest else (0.0, 0)

    @property
    def signature(self) -> str:
        """The name of the group, which like records have everywhere."""
        if self.template is None:
            return signature("exception", *self.key)
        return message_signature(self.level, self.template.text)

    def add(self, item: Happening) -> None:
        """Count in a record that is to be shown."""
        self.count += 1
        self.lines += item.lines
        self._span(item.stamp)
        if self.newest is None or item.order >= self.newest.order:
            self.newest = item
            self.level = item.level

    def absorb(self, other: Group) -> None:
        """Count in the records of another group."""
        self.count += other.count
        self.lines += other.lines
        self.seen += other.seen
        self._span(other.first)
        self._span(other.last)
        if other.newest is not None and (self.newest is None or other.newest.order >= self.newest.order):
            self.newest = other.newest

    def event(self, before: int | None) -> LogEvent:
        """Return the group as ``ctx`` shows it; ``before``: its count in the window before."""
        newest = self.newest
        if newest is None:
            raise ValueError("nothing of this group is to be shown")
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

    def _span(self, stamp: Stamp | None) -> None:
        if stamp is None:
            return
        if self.first is None or stamp.epoch < self.first.epoch:
            self.first = stamp
        if self.last is None or stamp.epoch >= self.last.epoch:
            self.last = stamp


class Groups:
    """All groups so far. ``dropped_lines`` counts what had to go of those that were to be shown."""

    def __init__(self) -> None:
        self._trees: dict[int, TemplateTree] = {}
        self._messages: dict[Template, Group] = {}
        self._exceptions: dict[Key, Group] = {}
        self.dropped_lines = 0

    def __iter__(self) -> Iterator[Group]:
        """Yield each group once; those whose templates have been merged are merged, too."""
        self._settle()
        yield from self._exceptions.values()
        yield from self._messages.values()

    def message(self, level: int, text: str) -> Group:
        """Return the group of a message, after counting it as seen."""
        tree = self._trees.get(level)
        if tree is None:
            tree = self._trees[level] = TemplateTree(MAX_TEMPLATES, self._drop)
        template = tree.add(text)
        group = self._messages.get(template)
        if group is None:
            group = self._messages[template] = Group(level, template=template)
            if len(self._messages) > 2 * MAX_TEMPLATES * len(self._trees):
                self._settle()
        group.seen += 1
        return group

    def exception(self, item: Happening) -> Group:
        """Return the group of an exception, after counting it as seen: like ones have like causes, too.

        Beyond half of ``MAX_EXCEPTIONS`` groups, new messages and causes of one place share a group; beyond
        three quarters, places of one type; and then all that is left.
        """
        place = () if item.frame is None else (item.frame.path, item.frame.line, item.frame.function)
        message = mask(item.message.partition("\n")[0])
        causes = [mask(cause.partition("\n")[0]) for cause in item.cause or ()]
        whole = (item.type, message, *place, *causes)
        keys: tuple[Key, ...] = (whole, (item.type, "", *place), (item.type,), ())
        for quarters, key in enumerate(keys, start=2):
            group = self._exceptions.get(key)
            if group is None and (len(self._exceptions) < MAX_EXCEPTIONS * quarters // 4 or not key):
                group = self._exceptions[key] = Group(item.level, key)
            if group is not None:
                group.seen += 1
                return group
        raise AssertionError("the last key always has a group")

    def _settle(self) -> None:
        for template, group in list(self._messages.items()):
            root = template.root
            if root is template:
                continue
            del self._messages[template]
            kept = self._messages.get(root)
            if kept is None:
                kept = self._messages[root] = Group(group.level, template=root)
            kept.absorb(group)

    def _drop(self, templates: list[Template]) -> None:
        self._settle()
        for template in templates:
            group = self._messages.pop(template, None)
            if group is not None:
                self.dropped_lines += group.lines


def message_signature(level: int, text: str) -> str:
    """Return the signature of the messages of a template."""
    return signature(level, text)
