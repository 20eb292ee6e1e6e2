"""Which test files a change may affect: by the index's graph, by names, and by what tests mention."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from dspy_agent.workspace.files import read_head
from dspy_agent.workspace.walk import walk
from dspy_agent_core.code.links import is_test

MAX_FILES: Final = 20
_MAX_SCANNED: Final = 4000
_MAX_BYTES: Final = 1 << 20
_MAX_LINES: Final = 100
_HELPERS: Final = ("conftest.py", "__init__.py")
_GENERIC: Final = frozenset(
    ("__init__", "main", "utils", "util", "common", "index", "mod", "lib", "types", "base", "core", "app")
)

Ranges = Mapping[str, Sequence[tuple[int, int]]]


def affected_tests(workspace: Path, lines: Ranges) -> list[str]:
    """Return test files, the surest first, at most ``MAX_FILES``.

    Args:
        workspace: from ``open_workspace``.
        lines: the changed files, each with the line ranges that change (in the file as it is now).
    """
    tests = _test_files(workspace)
    scores = dict.fromkeys((path for path in lines if path in tests), 100.0)
    symbols = _add_tested_by(workspace, lines, scores)
    for path in lines:
        if not is_test(path):
            _add_namesakes(path, tests, scores)
    _add_mentions(workspace, lines, symbols, tests, scores)
    known = [path for path in scores if path in tests]
    return sorted(known, key=lambda path: (-scores[path], path))[:MAX_FILES]


def _test_files(workspace: Path) -> set[str]:
    found = set()
    for entry in walk(os.fspath(workspace), base=os.fspath(workspace)):
        path = os.path.relpath(entry.path, workspace)
        if entry.kind == "file" and is_test(path) and entry.name not in _HELPERS:
            found.add(path)
            if len(found) >= _MAX_SCANNED:
                break
    return found


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
            for edge in graph.edges(chunk):
                target = graph.path(edge.target)
                if edge.relation == "tested by":
                    scores[target] = max(scores.get(target, 0), 50)
                elif edge.relation == "called by":
                    for further in graph.edges(edge.target):
                        if further.relation == "tested by":
                            target = graph.path(further.target)
                            scores[target] = max(scores.get(target, 0), 20)
    return symbols - {""}


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
    """Score tests whose text holds a changed symbol or the module's name."""
    stems = {posixpath.basename(path).split(".")[0] for path in lines} - _GENERIC
    names = {name for name in symbols if len(name) > 3}
    if not names and not stems:
        return
    said = re.compile("|".join(rf"\b{re.escape(name)}\b" for name in sorted(names | stems)).encode())
    for test in tests:
        text = read_head(workspace / test, _MAX_BYTES)
        found = {match[0].decode("utf-8", "replace") for match in said.finditer(text)}
        if found:
            scores[test] = scores.get(test, 0) + 10 * len(found & names) + 2 * len(found & stems)
