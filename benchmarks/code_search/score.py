"""Scores a ranker on a set: how high the right answer stands, how long it took, how much memory.

A hit answers for a definition if it shows that definition and not more: the innermost definition around the
hit's first line is the target; or the hit begins between definitions (a comment, a decorator) and the only
outermost one that begins within it is the target. A whole class or a window over two functions answers for no
function. Where files are asked for, hits are first reduced to their distinct files, and any file of the
targets is right.
"""

from __future__ import annotations

import bisect
import math
import random
import resource
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from benchmarks.code_search.dataset import CodeSet, Definition, Query

DEPTH = 100
Hit = tuple[str, int, int]


class Ranker(Protocol):
    """What is measured. ``prepare`` returns the seconds it took; paths are relative to its root."""

    name: str

    def prepare(self, root: Path) -> float:
        """Index the files below ``root``; return the seconds."""

    def search(self, query: str, k: int) -> list[Hit]:
        """Return at most ``k`` places, the best first."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Where the right answers of one query stood (from 1; none beyond ``DEPTH``), and the time it took."""

    query: Query
    ranks: tuple[int, ...]
    milliseconds: float

    def reciprocal(self, k: int = 10) -> float:
        """Return 1 / the first right rank, 0 if that is beyond ``k``."""
        return 1 / self.ranks[0] if self.ranks and self.ranks[0] <= k else 0.0

    def gain(self, k: int = 10) -> float:
        """Return the normalised discounted gain. Namesakes are one answer, several files are several."""
        wanted = len(self.query.targets) if self.query.kind == "issue" else 1
        ranks = [rank for rank in self.ranks if rank <= k][:wanted]
        best = sum(1 / math.log2(place + 1) for place in range(1, min(wanted, k) + 1))
        return sum(1 / math.log2(rank + 1) for rank in ranks) / best

    def found(self, k: int) -> float:
        """Return 1 if a right answer is among the first ``k``."""
        return float(bool(self.ranks) and self.ranks[0] <= k)


class Answers:
    """Which definition a hit shows, looked up in one tree's table."""

    def __init__(self, definitions: Iterable[Definition]) -> None:
        self._files: dict[str, list[Definition]] = {}
        for one in definitions:
            self._files.setdefault(one.path, []).append(one)
        for found in self._files.values():
            found.sort(key=lambda one: (one.line, -one.end_line))
        self._starts = {path: [one.line for one in found] for path, found in self._files.items()}

    def shown(self, hit: Hit) -> tuple[str, int] | None:
        """Return path and line of the definition that ``hit`` shows."""
        path, first, last = hit
        found = self._files.get(path, [])
        after = bisect.bisect_right(self._starts.get(path, []), first)
        around = next((one for one in reversed(found[:after]) if one.end_line >= first), None)
        if around is not None and around.kind != "class":
            return path, around.line
        if around is not None and around.line == first:
            return path, around.line
        within = [one for one in found[after:] if one.line <= last]
        outer = [one for one in within if not any(_encloses(other, one) for other in within)]
        if len(outer) != 1:
            return (path, around.line) if around is not None and not outer else None
        return path, outer[0].line


def _encloses(outer: Definition, inner: Definition) -> bool:
    return outer is not inner and outer.line <= inner.line and inner.end_line <= outer.end_line


def evaluate(
    ranker: Ranker,
    code_set: CodeSet,
    *,
    limit: int | None = None,
    on_query: Callable[[int], None] | None = None,
) -> tuple[list[Outcome], float]:
    """Search all queries of the set; return the outcomes and the seconds that indexing took."""
    outcomes: list[Outcome] = []
    seconds = 0.0
    for root in dict.fromkeys(query.root for query in code_set.queries):
        queries = [query for query in code_set.queries[:limit] if query.root == root]
        if not queries:
            continue
        seconds += ranker.prepare(code_set.folder / root)
        answers = Answers(code_set.definitions.get(root, ()))
        for query in queries:
            started = time.perf_counter()
            hits = ranker.search(query.query, DEPTH)
            spent = (time.perf_counter() - started) * 1000
            outcomes.append(Outcome(query, ranks(query, hits, answers), spent))
            if on_query is not None:
                on_query(len(outcomes))
    return outcomes, seconds


def ranks(query: Query, hits: Sequence[Hit], answers: Answers) -> tuple[int, ...]:
    """Return the ranks of the query's right answers among ``hits``, each answer counted once."""
    shown: list[object]
    wanted: set[object]
    if any(target.line == 0 for target in query.targets):
        shown = list(dict.fromkeys(path for path, _, _ in hits))
        wanted = {target.path for target in query.targets}
    else:
        shown = [answers.shown(hit) for hit in hits]
        wanted = {(target.path, target.line) for target in query.targets}
    found: list[int] = []
    for rank, one in enumerate(shown[:DEPTH], 1):
        if one in wanted:
            wanted.discard(one)
            found.append(rank)
    return tuple(found)


def summary(outcomes: Sequence[Outcome], seconds: float) -> dict[str, float | list[float]]:
    """Return the figures of one run, with 95 % intervals from 1,000 bootstrap samples."""
    times = sorted(one.milliseconds for one in outcomes)
    figures: dict[str, float | list[float]] = {"queries": len(outcomes)}
    measures: dict[str, Callable[[Outcome], float]] = {
        "mrr@10": Outcome.reciprocal,
        "ndcg@10": Outcome.gain,
        **{f"recall@{k}": lambda one, k=k: one.found(k) for k in (1, 5, 10, 100)},  # type: ignore[misc]
    }
    for name, measure in measures.items():
        values = [measure(one) for one in outcomes]
        figures[name] = round(sum(values) / len(values), 4)
        if name in ("mrr@10", "ndcg@10"):
            figures[f"{name}_95"] = interval(values)
    figures["index_seconds"] = round(seconds, 2)
    figures["query_p50_ms"] = round(times[len(times) // 2], 2)
    figures["query_p99_ms"] = round(times[int(len(times) * 0.99)], 2)
    figures["peak_mib"] = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)
    return figures


def interval(values: Sequence[float], samples: int = 1000) -> list[float]:
    """Return the 2.5th and 97.5th percentile of the mean of samples drawn with replacement."""
    chance = random.Random(0)
    means = sorted(sum(chance.choices(values, k=len(values))) / len(values) for _ in range(samples))
    return [round(means[int(samples * 0.025)], 4), round(means[int(samples * 0.975)], 4)]
