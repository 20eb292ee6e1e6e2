"""Cuts a source file into chunks along its syntax, or into windows of lines where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from dspy_agent_core.code.structure import FileStructure, Symbol, split_lines

WINDOW: Final = 40  # lines of a chunk without syntax
MAX_CHUNKS: Final = 20_000  # of one file
EMBEDDED: Final = 2_000  # characters of a chunk that a vector is made of
KINDS: Final = (
    *("module", "section", "window", "class", "function", "method", "interface", "struct", "enum", "type"),
    *("trait", "macro", "constant", "table", "view", "property", "declaration"),
)
KIND_CODES: Final = {kind: code for code, kind in enumerate(KINDS)}
CONTAINERS: Final = frozenset(("class", "interface", "struct", "trait", "module", "section", "enum"))


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a file that is found as one.

    ``line`` to ``end_line``: the definition, from 1; ``first``: where the comment above it begins.
    ``symbol``: its qualified name, empty for what lies between definitions. ``body``: its text without its
    docstring and without the definitions in it that are chunks of their own, except inside functions.
    """

    kind: str
    symbol: str
    line: int
    end_line: int
    first: int
    signature: str
    doc: str
    body: str
    bases: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The last part of its qualified name."""
        return self.symbol.rpartition(".")[2]


def embedded_text(path: str, symbol: str, lines: list[str]) -> str:
    """Return what a chunk's vector is made of: path and name as a title, then ``lines``, cut short."""
    return f"{path} {symbol}\n" + "\n".join(lines)[:EMBEDDED]


def chunk_file(text: str, structure: FileStructure | None) -> list[Chunk]:
    """Return the chunks of a file in the order of their lines."""
    lines = split_lines(text)
    if structure is None:
        return list(_windows(lines, 1, len(lines), "window"))[:MAX_CHUNKS]
    symbols = _nested(structure.symbols, len(lines))
    chunks = [_definition(symbol, inner, lines) for symbol, inner in symbols]
    chunks += _between(structure, lines)
    chunks.sort(key=lambda chunk: (chunk.line, -chunk.end_line))
    return chunks[:MAX_CHUNKS]


def _nested(symbols: list[Symbol], count: int) -> list[tuple[Symbol, list[Symbol]]]:
    """Return each symbol with those right inside it, if it is a container."""
    found: list[tuple[Symbol, list[Symbol]]] = []
    open_: list[tuple[Symbol, list[Symbol]]] = []
    for symbol in sorted(symbols, key=lambda s: (s.line, -s.end_line)):
        while open_ and open_[-1][0].end_line < symbol.line:
            open_.pop()
        if open_ and open_[-1][0].kind in CONTAINERS:
            open_[-1][1].append(symbol)
        entry: tuple[Symbol, list[Symbol]] = (symbol, [])
        found.append(entry)
        open_.append(entry)
    return [entry for entry in found if entry[0].line <= count]


def _definition(symbol: Symbol, inner: list[Symbol], lines: list[str]) -> Chunk:
    doc_first, doc_last = symbol.docstring_lines or (0, -1)
    first = min(symbol.line, doc_first) if symbol.docstring_lines else symbol.line
    taken = [(doc_first, doc_last), *((_first(s), s.end_line) for s in inner)]
    return Chunk(
        kind=symbol.kind if symbol.kind in KIND_CODES else "function",
        symbol=symbol.qualified,
        line=symbol.line,
        end_line=max(symbol.line, min(symbol.end_line, len(lines))),
        first=first,
        signature=symbol.signature,
        doc=symbol.docstring or "",
        body=_without(lines, symbol.line, symbol.end_line, taken),
        bases=symbol.bases,
    )


def _first(symbol: Symbol) -> int:
    return min(symbol.line, symbol.docstring_lines[0]) if symbol.docstring_lines else symbol.line


def _without(lines: list[str], first: int, last: int, taken: list[tuple[int, int]]) -> str:
    kept: list[str] = []
    at = first
    for low, high in sorted(taken):
        if high >= at:
            kept += lines[at - 1 : max(at, min(low, last + 1)) - 1]
            at = max(at, high + 1)
    kept += lines[at - 1 : last]
    return "\n".join(kept)


def _between(structure: FileStructure, lines: list[str]) -> Iterator[Chunk]:
    """Yield what lies outside of all definitions: imports, constants, the script's own code."""
    at, doc = 1, structure.docstring or ""
    tops = [(_first(s), s.end_line) for s in structure.symbols]
    for low, high in [*sorted(tops), (len(lines) + 1, len(lines) + 1)]:
        if low > at and any(line and not line.isspace() for line in lines[at - 1 : low - 1]):
            for chunk in _windows(lines, at, min(low - 1, len(lines)), "module", doc):
                yield chunk
                doc = ""
        at = max(at, high + 1)
    if doc:
        yield Chunk("module", "", 1, max(1, min(len(lines), doc.count("\n") + 1)), 1, "", doc, "")


def _windows(lines: list[str], first: int, last: int, kind: str, doc: str = "") -> Iterator[Chunk]:
    for start in range(first, last + 1, WINDOW):
        end = min(start + WINDOW - 1, last)
        body = "\n".join(lines[start - 1 : end])
        if body and not body.isspace():
            yield Chunk(kind, "", start, end, start, "", doc, body)
            doc = ""
