"""What is searched for and where, and what both engines answer."""

from __future__ import annotations

from dataclasses import dataclass

from dspy_agent.search.syntax import Node
from dspy_agent.workspace.ignore import Filters

MAX_TEXT = 1000  # characters of a line that are kept


@dataclass(frozen=True, slots=True)
class Query:
    """A search.

    Args:
        node: the pattern.
        base: the absolute workspace; ``globs`` are relative to it.
        filters: which files count.
        globs: ``filters.globs`` as written; ``type_globs``: ``filters.types`` as written.
        max_count: lines of each file, None for all.
        limit: lines in all.
    """

    node: Node
    base: str
    filters: Filters
    globs: tuple[str, ...] = ()
    type_globs: tuple[str, ...] = ()
    max_count: int | None = None
    limit: int = 1000


@dataclass(frozen=True, slots=True)
class Line:
    """A matching line: ``number`` from 1, ``text`` without its line end, cut if it is long."""

    number: int
    text: str


@dataclass(frozen=True, slots=True)
class FileLines:
    """The matching ``lines`` of one file; ``path`` is absolute."""

    path: str
    lines: list[Line]


def show_line(line: bytes) -> str:
    """Return ``line`` as text: stray bytes become U+FFFD, and a long line is cut and says so."""
    text = line.decode("utf-8", "replace").rstrip("\r\n")
    left = len(text) - MAX_TEXT
    return text if left <= 0 else f"{text[:MAX_TEXT]}… [{left} more]"
