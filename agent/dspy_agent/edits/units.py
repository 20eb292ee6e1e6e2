"""What can be edited as a whole: functions and methods, and types where nothing smaller holds a line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from dspy_agent.edits.source import Source, read_source
from dspy_agent_core.code.structure import Symbol
from dspy_agent_core.errors import WorkspaceError

CALLABLE: Final = frozenset(("function", "method", "macro"))
WHOLE: Final = frozenset(
    ("class", "struct", "interface", "enum", "trait", "constant", "type", "property", "table", "view")
)
LONGEST: Final = 90  # lines of a function that is taken with what is nested in it, and of a type


class Units:
    """The editable symbols of a workspace's files, each file read once."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._sources: dict[str, Source | None] = {}

    def source(self, path: str) -> Source | None:
        """Return the file ``path``; None if it can't be edited."""
        if path not in self._sources:
            try:
                self._sources[path] = read_source(self._workspace, path)
            except WorkspaceError:
                self._sources[path] = None
        return self._sources[path]

    def of(self, path: str) -> list[Symbol]:
        """Return the functions and methods of a file, without those nested in a short one."""
        source = self.source(path)
        return list(_outermost(source.structure.symbols)) if source else []

    def at(self, path: str, line: int) -> Symbol | None:
        """Return what is to be edited to change ``line``."""
        source = self.source(path)
        if source is None:
            return None
        inside = [unit for unit in self.of(path) if unit.line <= line <= unit.end_line]
        inside = inside or [
            symbol
            for symbol in source.structure.symbols
            if symbol.kind in WHOLE and symbol.line <= line <= symbol.end_line and _is_short(symbol)
        ]
        return min(inside, key=lambda symbol: symbol.end_line - symbol.line, default=None)


def _outermost(symbols: Iterable[Symbol]) -> Iterator[Symbol]:
    last: Symbol | None = None
    for symbol in symbols:
        if symbol.kind not in CALLABLE:
            continue
        if last is not None and symbol.end_line <= last.end_line and _is_short(last):
            continue
        last = symbol
        yield symbol


def _is_short(symbol: Symbol) -> bool:
    return symbol.end_line - symbol.line < LONGEST
