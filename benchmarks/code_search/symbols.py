"""Queries that name what they look for, as people type names: exact, in another case, a part, with its class.

They are asked of the trees of the docstring and comment sets. All definitions that a query names are right;
names with more than three are not asked for.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.code_search.dataset import (
    Definition,
    Query,
    Target,
    read_definitions,
    set_folder,
    write_lines,
)
from benchmarks.code_search.places import Half, order_of

OF_EACH = {"python": 40}
OF_EACH_ELSEWHERE = 12
MOST_TARGETS = 3
_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[A-Z]")
_JOINED = {"ruby": "#", "cpp": "::", "rust": "::", "php": "::"}


def parts_of(name: str) -> tuple[str, ...]:
    """Return the words of a name in small letters."""
    return tuple(part.lower() for part in _PART.findall(name))


def other_case(name: str) -> str:
    """Return a snake_case name in camelCase and the reverse."""
    parts = parts_of(name)
    if "_" in name.strip("_"):
        return parts[0] + "".join(part.capitalize() for part in parts[1:])
    return "_".join(parts)


def build(half: Half, data: Path | None = None) -> dict[str, int]:
    """Write the half's queries; return how many there are of each kind."""
    folder = set_folder("symbol", half, data)
    folder.mkdir(parents=True, exist_ok=True)  # the other sets' paths lead through it
    queries: list[Query] = []
    for other in ("docstring", "comment"):
        root = f"../../{other}/{half}/tree"
        queries += _queries(root, tuple(read_definitions(folder / f"{root}.definitions.jsonl")))
    counts: dict[str, int] = defaultdict(int)
    for query in queries:
        counts[query.kind] += 1
    return {**counts, "queries": write_lines(folder / "queries.jsonl", queries)}


def _queries(root: str, definitions: tuple[Definition, ...]) -> Iterator[Query]:
    by_name: dict[str, list[Definition]] = defaultdict(list)
    by_parts: dict[tuple[str, ...], list[Definition]] = defaultdict(list)
    by_run: dict[tuple[str, ...], list[Definition]] = defaultdict(list)
    by_suffix: dict[str, list[Definition]] = defaultdict(list)
    for one in definitions:
        name = one.symbol.rpartition(".")[2]
        parts = parts_of(name)
        by_name[name].append(one)
        by_parts[parts].append(one)
        for run in (parts[:-1], parts[1:]):
            by_run[run].append(one)
        by_suffix[".".join(one.symbol.split(".")[-2:])].append(one)

    def partial(one: Definition) -> tuple[str, list[Definition]]:
        parts = parts_of(one.symbol.rpartition(".")[2])
        run = parts[1:] if order_of(one.symbol) < "8" else parts[:-1]
        return "_".join(run) if len(run) > 1 else "", by_run[run] + by_parts[run]

    def exact(one: Definition) -> tuple[str, list[Definition]]:
        name = one.symbol.rpartition(".")[2]
        return name, by_name[name]

    def recased(one: Definition) -> tuple[str, list[Definition]]:
        name = one.symbol.rpartition(".")[2]
        parts = parts_of(name)
        return other_case(name) if len(parts) > 1 else "", by_parts[parts]

    def spaced(one: Definition) -> tuple[str, list[Definition]]:
        parts = parts_of(one.symbol.rpartition(".")[2])
        return " ".join(parts) if len(parts) > 1 else "", by_parts[parts]

    def qualified(one: Definition) -> tuple[str, list[Definition]]:
        names = one.symbol.split(".")[-2:]
        joined = _JOINED.get(one.language, ".").join(names)
        return joined if len(names) == 2 else "", by_suffix[".".join(names)]

    kinds: dict[str, Callable[[Definition], tuple[str, list[Definition]]]] = {
        "exact": exact,
        "other case": recased,
        "spaced": spaced,
        "partial": partial,
        "qualified": qualified,
    }
    taken: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one in sorted(definitions, key=lambda one: order_of(f"{one.path}:{one.symbol}:{one.line}")):
        enough = OF_EACH.get(one.language, OF_EACH_ELSEWHERE)
        for kind, ask in kinds.items():
            text, answers = ask(one)
            asked = taken[one.language, kind]
            if len(asked) >= enough or text in asked or len(text) < 5 or not text[0].isalpha():
                continue
            if len(answers) <= MOST_TARGETS:
                asked.add(text)
                targets = tuple(Target(a.path, a.line, a.end_line, a.symbol) for a in answers)
                yield Query(f"{kind}:{text}", text, targets, one.package, one.language, kind, root)
                break
