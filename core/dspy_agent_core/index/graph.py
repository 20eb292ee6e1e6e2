"""How chunks belong together: who calls, inherits from, contains and tests whom.

Only names are stored; a name is resolved when it is asked for, to the definitions nearest to where it is
used: the same file first, then files that the using one imports, then the same folder, then anywhere. So an
edited file needs no other file read again. Names that every string or dict has as a method are resolved to
near definitions only.
"""

from __future__ import annotations

import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from io import TextIOWrapper
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import imports_file, is_test
from dspy_agent_core.code.structure import Import
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.terms import term_hash

MAX_DEFINITIONS: Final = 12  # of one name, at the nearest distance: more say nothing
MAX_USERS: Final = 40  # of one definition
RELATIONS: Final = (
    "calls",
    "called by",
    "inherits from",
    "base of",
    "contains",
    "part of",
    "tests",
    "tested by",
)
_UNRELATED: Final = 2  # distance from which on only a telling name is taken as a use
_OTHER_NAMES: Final = """
    start stop run call send recv connect log error warn info debug wait done add put push shift slice concat
    forEach then catch resolve reject on emit once apply bind toString equals hashCode size length charAt
    substring indexOf contains iterator next hasNext println printf Printf Println Sprintf Errorf New Error
    String Close Read Write Len unwrap expect clone into iter collect to_string as_str as_ref is_some is_none
    len cap make append panic main test it describe expect each first last map filter reduce find sort
"""
_WEIGHTS: Final = dict(zip(RELATIONS, (1.0, 0.8, 0.8, 0.6, 0.4, 0.6, 0.5, 0.5), strict=True))


@dataclass(frozen=True, slots=True)
class Edge:
    """``source`` stands in ``relation`` to ``target``: "source calls target". Chunks of the corpus."""

    source: int
    target: int
    relation: str
    weight: float


class Graph:
    """The relations between the chunks of ``corpus``, looked up when asked for."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._paths: dict[int, str] = {}
        self._imported: dict[tuple[str, str], bool] = {}
        self._resolved: dict[tuple[str, int], list[int]] = {}

    @cached_property
    def _names(self) -> NDArray[np.uint64]:
        names = [np.where(s.alive, s.arrays["names"], np.uint64(0)) for s in self._corpus.segments]
        return np.concatenate(names) if names else np.zeros(0, np.uint64)

    @cached_property
    def _by_name(self) -> NDArray[np.intp]:
        return np.argsort(self._names, kind="stable")

    @cached_property
    def _sorted_names(self) -> NDArray[np.uint64]:
        return self._names[self._by_name]

    def definitions(self, name: int) -> list[int]:
        """Return the chunks that define the name with this hash."""
        if not name:
            return []
        low, high = np.searchsorted(self._sorted_names, np.array([name, name + 1], np.uint64))
        return [int(chunk) for chunk in self._by_name[low:high]]

    def resolve(self, user: int, name: int) -> list[int]:
        """Return the definitions that ``name``, used in the chunk ``user``, most likely means."""
        key = (self.path(user), name)
        if key not in self._resolved:
            near: dict[int, list[int]] = {}
            for chunk in self.definitions(name):
                near.setdefault(self._distance(user, chunk), []).append(chunk)
            nearest = min(near, default=0)
            best = near.get(nearest, [])
            common = name in _common_names() and nearest >= _UNRELATED
            self._resolved[key] = [] if common or len(best) > MAX_DEFINITIONS else best
        return [chunk for chunk in self._resolved[key] if chunk != user]

    def _distance(self, user: int, definition: int) -> int:
        here, there = self.path(user), self.path(definition)
        if here == there:
            return 0
        if (here, there) not in self._imported:
            self._imported[here, there] = self._imports(user, here, there)
        if self._imported[here, there]:
            return 1
        if here.rpartition("/")[0] == there.rpartition("/")[0]:
            return 2
        return 4 if is_test(there) and not is_test(here) else 3

    def _imports(self, user: int, here: str, there: str) -> bool:
        segment, number = self._corpus.locate(user)
        text = segment.text("imports", int(segment.arrays["chunk_file"][number]))
        language = language_of(here) or ""
        return any(imports_file(found, here, there, language) for found in _parse_imports(text))

    def path(self, chunk: int) -> str:
        """Return the path of a chunk's file."""
        if chunk not in self._paths:
            segment, number = self._corpus.locate(chunk)
            self._paths[chunk] = segment.path(number)
        return self._paths[chunk]

    def edges(self, chunk: int) -> Iterator[Edge]:
        """Yield the relations of ``chunk`` to others, from its side."""
        segment, number = self._corpus.locate(chunk)
        seen: set[tuple[int, str]] = set()
        for edge in (
            *self._out(chunk, segment.keys_of("calls", number).tolist(), "calls"),
            *self._out(chunk, segment.keys_of("bases", number).tolist(), "inherits from"),
            *self._in(chunk, "calls", "called by"),
            *self._in(chunk, "bases", "base of"),
            *self._family(chunk),
        ):
            if (edge.target, edge.relation) not in seen and edge.target != chunk:
                seen.add((edge.target, edge.relation))
                yield edge

    def _out(self, chunk: int, names: Iterable[int], relation: str) -> Iterator[Edge]:
        testing = relation == "calls" and is_test(self.path(chunk))
        for name in names:
            found = self.resolve(chunk, name)
            for target in found:
                said = "tests" if testing and not is_test(self.path(target)) else relation
                yield Edge(chunk, target, said, _WEIGHTS[said] / len(found))

    def _in(self, chunk: int, blob: str, relation: str) -> Iterator[Edge]:
        segment, number = self._corpus.locate(chunk)
        name = int(segment.arrays["names"][number])
        users = self._users(blob, name)
        tested = not is_test(self.path(chunk))
        found = 0
        for user in users:
            if user != chunk and chunk in self.resolve(user, name):
                said = (
                    "tested by"
                    if relation == "called by" and tested and is_test(self.path(user))
                    else relation
                )
                yield Edge(chunk, user, said, _WEIGHTS[said])
                found += 1
                if found >= MAX_USERS:
                    return

    def _users(self, blob: str, name: int) -> list[int]:
        if not name:
            return []
        found: list[int] = []
        starts_name = "call_starts" if blob == "calls" else "base_starts"
        for base, segment in zip(self._corpus.starts.tolist(), self._corpus.segments, strict=False):
            places = np.flatnonzero(segment.arrays[blob] == np.uint64(name))
            if len(places):
                chunks = np.searchsorted(segment.arrays[starts_name], places, side="right") - 1
                found += [base + int(c) for c in np.unique(chunks) if segment.alive[c]]
        return found[: 10 * MAX_USERS]

    def _family(self, chunk: int) -> Iterator[Edge]:
        """Yield what contains the chunk, or what it contains, by qualified names within its file."""
        segment, number = self._corpus.locate(chunk)
        symbol = segment.text("symbols", number)
        if not symbol:
            return
        files = segment.arrays["chunk_file"]
        low, high = np.searchsorted(files, [files[number], files[number] + 1])
        base = chunk - number
        outer = symbol.rpartition(".")[0]
        for other in range(int(low), int(high)):
            name = segment.text("symbols", other)
            if outer and name == outer:
                yield Edge(chunk, base + other, "part of", _WEIGHTS["part of"])
            elif name.rpartition(".")[0] == symbol:
                yield Edge(chunk, base + other, "contains", _WEIGHTS["contains"])


@lru_cache(1)
def _common_names() -> frozenset[int]:
    types = (str, bytes, dict, list, set, tuple, int, type, object, property, Path, TextIOWrapper, re.Pattern)
    names = {name for kind in (*types, builtins) for name in dir(kind)}
    return frozenset(map(term_hash, names | frozenset(_OTHER_NAMES.split())))


@lru_cache(4096)
def _parse_imports(text: str) -> tuple[Import, ...]:
    found = (line.split(" ") for line in text.split("\n") if line)
    return tuple(Import(module, 0, tuple(names)) for module, *names in found)


def neighbourhood(graph: Graph, seeds: Iterable[int], limit: int) -> list[Edge]:
    """Return the relations around ``seeds``: theirs, then those of their neighbours, to ``limit`` chunks."""
    nodes = dict.fromkeys(seeds)
    edges: list[Edge] = []
    frontier = list(nodes)
    for _ in range(2):
        added: dict[int, float] = {}
        for chunk in frontier:
            for edge in graph.edges(chunk):
                edges.append(edge)
                if edge.target not in nodes:
                    added[edge.target] = added.get(edge.target, 0.0) + edge.weight
        frontier = sorted(added, key=lambda chunk: (-added[chunk], chunk))[: max(0, limit - len(nodes))]
        nodes.update(dict.fromkeys(frontier))
        frontier = frontier[: limit // 4]
    return [edge for edge in edges if edge.target in nodes]


def personalised_pagerank(
    edges: Iterable[Edge], seeds: dict[int, float], *, restart: float = 0.4, rounds: int = 30
) -> dict[int, float]:
    """Return each chunk's share of the visits of walks that start again and again at ``seeds``.

    Haveliwala, Topic-Sensitive PageRank, WWW 2002, by power iteration. Walks go along relations both ways.
    """
    pairs: dict[tuple[int, int], float] = {}
    for edge in edges:
        for pair in ((edge.source, edge.target), (edge.target, edge.source)):
            pairs[pair] = max(pairs.get(pair, 0.0), edge.weight)
    nodes = sorted({*seeds, *(node for pair in pairs for node in pair)})
    number = {node: at for at, node in enumerate(nodes)}
    start = np.zeros(len(nodes))
    for node, weight in seeds.items():
        start[number[node]] = weight
    if not start.sum():
        return {}
    start /= start.sum()
    source = np.array([number[s] for s, _ in pairs], np.intp)
    target = np.array([number[t] for _, t in pairs], np.intp)
    weight_of = np.array(list(pairs.values()))
    total = np.bincount(source, weights=weight_of, minlength=len(nodes))
    share = weight_of / total[source]
    rank = start.copy()
    for _ in range(rounds):
        moved = np.bincount(target, weights=rank[source] * share, minlength=len(nodes))
        lost = rank[total == 0].sum()
        rank = restart * start + (1 - restart) * (moved + lost * start)
    return {node: float(value) for node, value in zip(nodes, rank, strict=True)}
