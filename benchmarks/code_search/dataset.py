"""A labelled set on disk: a source tree, its definitions and the queries with what they should find."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.code_search.places import Half, data_folder

KINDS = ("docstring", "comment", "symbol", "issue")


@dataclass(frozen=True, slots=True)
class Definition:
    """A function or class of the tree; ``line`` counts its decorators in, ``def_line`` does not."""

    path: str
    symbol: str
    kind: str
    line: int
    def_line: int
    end_line: int
    package: str
    language: str


@dataclass(frozen=True, slots=True)
class Target:
    """What a query should find: a definition, or a whole file where ``line`` is 0."""

    path: str
    line: int = 0
    end_line: int = 0
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """A question with its right answers; ``root`` is the folder, within the set, that is searched."""

    id: str
    query: str
    targets: tuple[Target, ...]
    package: str
    language: str
    kind: str = ""
    root: str = "tree"


@dataclass(frozen=True, slots=True)
class CodeSet:
    """One half of one kind of set; definitions are kept apart by the root that they lie in."""

    kind: str
    half: Half
    folder: Path
    queries: tuple[Query, ...]
    definitions: dict[str, tuple[Definition, ...]] = field(default_factory=dict)


def set_folder(kind: str, half: Half, data: Path | None = None) -> Path:
    """Return the folder of a set."""
    return (data or data_folder()) / "sets" / kind / half


def write_lines(path: Path, rows: Iterable[Any]) -> int:
    """Write dataclasses as JSON lines; return how many."""
    texts = [json.dumps(asdict(row), ensure_ascii=False) + "\n" for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(texts), encoding="utf-8")
    return len(texts)


def load(kind: str, half: Half, data: Path | None = None) -> CodeSet:
    """Read a set that ``build`` wrote."""
    folder = set_folder(kind, half, data)
    queries = tuple(
        Query(**{**row, "targets": tuple(Target(**target) for target in row["targets"])})
        for row in _rows(folder / "queries.jsonl")
    )
    roots = sorted({query.root for query in queries})
    definitions = {
        root: tuple(Definition(**row) for row in _rows(folder / f"{root}.definitions.jsonl"))
        for root in roots
    }
    return CodeSet(kind, half, folder, queries, definitions)


def read_definitions(path: Path) -> Iterator[Definition]:
    """Yield the definitions of a table; none if there is no table."""
    return (Definition(**row) for row in _rows(path))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            yield from map(json.loads, lines)
