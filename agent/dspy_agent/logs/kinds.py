"""Knows like events of different windows again.

Exceptions have the same signature everywhere. A message's signature is that of its template, and a window
may be too short to show what of it varies: here the messages of all windows share one parse tree.
"""

from __future__ import annotations

from typing import Final

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.templates import Template, TemplateTree

Kind = Template | tuple[object, ...]

_MAX_TEMPLATES: Final = 2000


class Kinds:
    """The kinds of events so far, each app's on their own."""

    def __init__(self) -> None:
        self._trees: dict[tuple[str | None, str], TemplateTree] = {}

    def of(self, event: LogEvent) -> Kind:
        """Return the kind of ``event``: see ``root``."""
        if event.type is not None or event.frame is not None:
            return (event.app, event.signature or (event.type, event.message, event.frame))
        key = (event.app, event.level)
        if key not in self._trees:
            self._trees[key] = TemplateTree(_MAX_TEMPLATES)
        return self._trees[key].add(event.message)


def root(kind: Kind) -> Kind:
    """Return what ``kind`` has become: later events may show that two are one."""
    return kind.root if isinstance(kind, Template) else kind
