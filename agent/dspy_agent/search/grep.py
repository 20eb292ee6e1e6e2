"""Searches folders and files in the order named, with ripgrep or the own reader."""

from __future__ import annotations

import os
from collections.abc import Iterator

from dspy_agent.search import reader, ripgrep
from dspy_agent.search.matcher import LineMatcher
from dspy_agent.search.query import FileLines, Query
from dspy_agent.workspace.files import decode_bom, open_regular


class Search:
    """One search: iterate over :meth:`run`, then see what was ``skipped`` (absolute path → reason)."""

    def __init__(self, query: Query, *, use_ripgrep: bool = True) -> None:
        self.query = query
        self.use_ripgrep = use_ripgrep and ripgrep.find_ripgrep() is not None
        self.skipped: dict[str, str] = {}

    def run(self, roots: list[str]) -> Iterator[FileLines]:
        """Yield the files with matching lines below the absolute ``roots``, each file once."""
        seen: set[str] = set()
        for root in roots:
            for found in self._search(root):
                if found.path not in seen:
                    seen.add(found.path)
                    yield found

    def _search(self, root: str) -> Iterator[FileLines]:
        if not os.path.isdir(root):
            yield from self._search_named_file(root)
            return
        if self.use_ripgrep:
            try:
                yield from ripgrep.search_folder(self.query, root, self._skip)
                return
            except (ripgrep.RipgrepFailed, OSError):
                self.use_ripgrep = False
        yield from reader.search_folder(self.query, root, self._skip)

    def _search_named_file(self, path: str) -> Iterator[FileLines]:
        try:
            limit = self.query.max_count or self.query.limit + 1
            lines = reader.search_file(LineMatcher(self.query.node), path, limit)
        except OSError as error:
            self._skip(path, error)
            return
        if lines is None:
            self.skipped[path] = "binary file"
        elif lines:
            yield FileLines(path, lines)

    def _skip(self, path: str, error: OSError) -> None:
        self.skipped[path] = (error.strerror or str(error)).lower()


def read_lines(path: str, wanted: set[int]) -> dict[int, bytes]:
    """Return the lines with the ``wanted`` numbers (from 1) that ``path`` has; none if it can't be read."""
    found: dict[int, bytes] = {}
    last = max(wanted, default=0)
    try:
        with open_regular(path) as file:
            lines = decode_bom(file.read()).split(b"\n")
    except OSError:
        return found
    if lines and not lines[-1]:
        lines.pop()
    for number, line in enumerate(lines[:last], 1):
        if number in wanted:
            found[number] = line
    return found
