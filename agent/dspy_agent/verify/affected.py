"""Which test files a change may affect: by the index's graph, by names, and by what tests mention."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.code.queries import QUERIES
from dspy_agent.workspace.files import read_head
from dspy_agent.workspace.walk import walk
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import dotted, is_test

MAX_FILES: Final = 20
_MAX_SCANNED: Final = 4000
_MAX_BYTES: Final = 1 << 20
_MAX_LINES: Final = 100
_TELLING: Final = 12  # tests: a name that more of them use, such as "parse", says nothing
_PYTHON_TEST: Final = re.compile(r"test_.*\.py|.*_test\.py|tests?\.py")
_GENERIC: Final = frozenset(
    ("__init__", "main", "utils", "util", "common", "index", "mod", "lib", "types", "base", "core", "app")
)

if TYPE_CHECKING:
    from dspy_agent_core.index.graph import Graph

Ranges = Mapping[str, Sequence[tuple[int, int]]]


def affected_tests(workspace: Path, lines: Ranges) -> list[str]:
    """Return test files, the surest first, at most ``MAX_FILES``.

    Args:
        workspace: from ``open_workspace``.
        lines: the changed files, each with the line ranges that change (in the file as it is now).
    """
    tests = runnable_tests(workspace)
    scores = dict.fromkeys((path for path in lines if path in tests), 100.0)
    symbols = _add_tested_by(workspace, lines, scores)
    for path in lines:
        if not is_test(path):
            _add_namesakes(path, tests, scores)
    _add_mentions(workspace, lines, symbols, tests, scores)
    known = [path for path in scores if path in tests]
    return sorted(known, key=lambda path: (-scores[path], path))[:MAX_FILES]


def runnable_tests(workspace: Path) -> set[str]:
    """Return the test files of ``workspace`` that a test runner would take."""
    found = set()
    for entry in walk(os.fspath(workspace), base=os.fspath(workspace)):
        path = os.path.relpath(entry.path, workspace)
        if entry.kind == "file" and is_test(path) and _is_runnable(entry.name):
            found.add(path)
            if len(found) >= _MAX_SCANNED:
                break
    return found


def _is_runnable(name: str) -> bool:
    language = language_of(name)
    return bool(_PYTHON_TEST.fullmatch(name)) if language == "python" else language in QUERIES


def _add_tested_by(workspace: Path, lines: Ranges, scores: dict[str, float]) -> set[str]:
    """Score the tests of the changed symbols and of their callers; return the names of the symbols."""
    from dspy_agent.index.evidence import chunk_at
    from dspy_agent.index.shared import current_index
    from dspy_agent_core.index.graph import Graph
    from dspy_agent_core.index.places import place_of

    corpus = current_index(workspace).corpus
    graph, symbols = Graph(corpus), set()
    for path, ranges in lines.items():
        for chunk in {chunk_at(corpus, path, line) for line in _some(ranges)}:
            if chunk is None:
                continue
            symbols.add(place_of(corpus, chunk).symbol.rpartition(".")[2])
            direct, indirect = _testers(graph, chunk)
            for targets, score in ((direct, 50.0), (indirect, 20.0)):
                for target in targets if len(targets) <= _TELLING else ():
                    scores[target] = max(scores.get(target, 0), score)
    return symbols - {""}


def _testers(graph: Graph, chunk: int) -> tuple[set[str], set[str]]:
    """Return the tests that use ``chunk``, and those that use its callers."""
    direct, indirect = set(), set()
    for edge in graph.edges(chunk):
        if edge.relation == "tested by":
            direct.add(graph.path(edge.target))
        elif edge.relation == "called by":
            for further in graph.edges(edge.target):
                if further.relation == "tested by":
                    indirect.add(graph.path(further.target))
    return direct, indirect - direct


def _some(ranges: Sequence[tuple[int, int]]) -> list[int]:
    """Return the lines of ``ranges``, at most ``_MAX_LINES``, evenly spread."""
    lines = [line for first, last in ranges for line in range(first, last + 1)]
    return lines[:: -(-len(lines) // _MAX_LINES) or 1]


def _add_namesakes(path: str, tests: set[str], scores: dict[str, float]) -> None:
    """Score tests that are named as the changed file: ``test_x.py``, ``x_test.go``, ``x.spec.ts``."""
    stem = posixpath.basename(path).split(".")[0]
    if stem in _GENERIC or len(stem) < 3:
        stem = posixpath.basename(posixpath.dirname(path)) or stem
    word = re.compile(rf"(?:^|[^a-z0-9]){re.escape(stem.lower().strip('_'))}(?:[^a-z0-9]|$)")
    for test in tests:
        name = posixpath.splitext(posixpath.basename(test))[0]
        spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
        if word.search(spread) or word.search(name.lower()):
            scores[test] = scores.get(test, 0) + 30


def _add_mentions(
    workspace: Path, lines: Ranges, symbols: set[str], tests: set[str], scores: dict[str, float]
) -> None:
    """Score tests whose text holds the module's name or a changed symbol, the rarer the more."""
    modules = {_module(path) for path in lines if not is_test(path)} - {""}
    weights = dict.fromkeys((name for name in symbols if len(name) > 3), 20.0) | dict.fromkeys(modules, 60.0)
    if not weights:
        return
    said = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(weights)).encode())
    mentions: dict[str, list[str]] = {}
    for test in tests:
        text = read_head(workspace / test, _MAX_BYTES)
        for name in {match[0].decode("utf-8", "replace") for match in said.finditer(text)}:
            mentions.setdefault(name, []).append(test)
    for name, where in mentions.items():
        for test in where if len(where) <= _TELLING else ():
            scores[test] = scores.get(test, 0) + weights.get(name, 0) / len(where) ** 0.5


def _module(path: str) -> str:
    """Return the end of the module's name by which an import would name it."""
    parts = dotted(path).split(".")
    return ".".join(parts[-2:]) if parts[-1] in _GENERIC or len(parts) > 1 else parts[-1]
