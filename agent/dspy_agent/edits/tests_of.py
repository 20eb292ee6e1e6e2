"""Which tests a task is about, as ids or files that a test runner takes."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from dspy_agent.edits.clues import Clues
from dspy_agent.edits.units import Units
from dspy_agent.index.index import Index
from dspy_agent.logs.resolve import PathResolver
from dspy_agent_core.code.links import is_test
from dspy_agent_core.errors import UsageError
from dspy_agent_core.index.graph import Graph
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.terms import term_hash

_MOST_FILES: Final = 6


def named_tests(clues: Clues, given: Sequence[str], index: Index, units: Units, workspace: Path) -> list[str]:
    """Return the ids of the tests that are ``given`` and that the task names, as far as they are here.

    Raises:
        UsageError: a given one is not here.
    """
    resolve = PathResolver(workspace)
    found: dict[str, None] = {}
    for test in (*given, *clues.test_ids):
        path, _, rest = test.partition("::")
        known = resolve(path) or (path if units.source(path) else None)
        if known is not None:
            found[f"{known}::{rest}" if rest else known] = None
        elif test in given:
            found.update(dict.fromkeys(_by_name(test, index)))
    if found:
        return list(found)
    for name in clues.test_names:
        found.update(dict.fromkeys(_ids_of(name, index)))
    if not found:
        for place in clues.places:
            known = resolve(place.path)
            if known is not None and is_test(known):
                symbol = units.at(known, place.line) if place.line else None
                found[f"{known}::{symbol.qualified.replace('.', '::')}" if symbol else known] = None
    return list(found)


def _by_name(test: str, index: Index) -> list[str]:
    """Return the ids of the tests that a user names without their file."""
    found = [] if "::" in test else list(_ids_of(test, index))
    if not found:
        raise UsageError(
            f"There is no test {test!r} here.",
            code="TestNotFound",
            next=f"Look for it: dspy-agent esearch --q {shlex.quote(test.rpartition('::')[2])}",
        )
    return found


def _ids_of(name: str, index: Index) -> Iterator[str]:
    """Yield the ids of the tests with this name."""
    corpus = index.corpus
    for chunk in Graph(corpus).definitions(term_hash(name))[:_MOST_FILES]:
        place = place_of(corpus, chunk)
        if is_test(place.path) and place.symbol.rpartition(".")[2] == name:
            yield f"{place.path}::{place.symbol.replace('.', '::')}"


def files_of(tests: Sequence[str]) -> list[str]:
    """Return the files of test ids."""
    return list(dict.fromkeys(test.partition("::")[0] for test in tests))


def tests_near(chunks: Sequence[int], index: Index) -> list[str]:
    """Return the test files that use what ``chunks`` define, those of the first before the others'."""
    graph, found = Graph(index.corpus), dict[str, None]()
    for chunk in chunks:
        if is_test(graph.path(chunk)):
            found[graph.path(chunk)] = None
        for edge in graph.edges(chunk):
            if edge.relation == "tested by":
                found[graph.path(edge.target)] = None
        if len(found) >= _MOST_FILES:
            break
    return list(found)[:_MOST_FILES]
