"""The text of each definition: what a ranker that knows no files is given."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from benchmarks.code_search.dataset import Definition


def functions(root: Path) -> Iterator[tuple[Definition, str]]:
    """Yield the functions that the set's table names (classes where a set asks for them) with their text."""
    table = root.parent / f"{root.name}.definitions.jsonl"
    lines: list[str] = []
    path = ""
    with table.open(encoding="utf-8") as rows:
        for row in rows:
            one = Definition(**json.loads(row))
            if one.path != path:
                path = one.path
                lines = (root / path).read_text("utf-8", "replace").splitlines()
            if one.kind != "class":
                yield one, "\n".join(lines[one.line - 1 : one.end_line])
