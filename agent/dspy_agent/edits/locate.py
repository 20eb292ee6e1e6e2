"""Finds the symbols that a task is about, without a model: by what it names and by what its tests run."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from dspy_agent.edits.board import Board
from dspy_agent.edits.clues import Clues, Place, clues_in
from dspy_agent.edits.executed import Executed, Failure
from dspy_agent.edits.results import EditOptions, Located
from dspy_agent.edits.source import read_source
from dspy_agent.edits.tests_of import named_tests, tests_near
from dspy_agent.edits.traced import traced
from dspy_agent.edits.units import Units
from dspy_agent.index.evidence import gather
from dspy_agent.index.index import Index
from dspy_agent.index.shared import current_index
from dspy_agent.logs.resolve import PathResolver
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.ctx import key_events
from dspy_agent_core.code.links import is_test
from dspy_agent_core.code.structure import Symbol
from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.errors import AgentError, UsageError
from dspy_agent_core.index.graph import Graph
from dspy_agent_core.index.places import place_of
from dspy_agent_core.index.terms import split_word, term_hash

MOST: Final = 10
_PARTS: Final = frozenset(("graph", "text", "vectors", "logs"))
_UNRUN: Final = 0.15  # what the reasons for a symbol count, if no failing test runs it
_MOST_NAMESAKES: Final = 6
_CALLED: Final = re.compile(r"[A-Za-z_]\w{2,80}")
_BROKEN: Final = re.compile(
    r"\b(?:fail|bug|wrong|broke|error|exception|crash|incorrect|fix|should|instead|raise|traceback|regress|not|"
    r"never|off by|miss|return)",
    re.IGNORECASE,
)
# What a reason counts at most: chosen by mutants of toolz, boltons and more-itertools.
_RUN: Final = 0.55
_SIZE: Final = 0.3
_CONTRAST: Final = 0.9
_EVIDENT: Final = 0.35
_NAMED_AFTER: Final = 0.2
_CALLED_BY: Final = 0.15
_FAILING_LINE: Final = 0.3
_RECENT: Final = 0.35
_OPERATOR: Final = 0.4
_OPERATORS: Final = (
    (r"\bin\b", "__contains__ __iter__"),
    (r"==|!=", "__eq__ __ne__"),
    (r"[^=<>-][<>]=?", "__lt__ __le__ __gt__ __ge__"),
    (r"\blen\(", "__len__"),
    (r"[\w)\]]\[", "__getitem__ __setitem__ __missing__"),
    (r"\bdel\b", "__delitem__ __delattr__"),
    (r"\b(?:repr|str)\(", "__repr__ __str__"),
    (r"\b(?:list|tuple|set|sorted|next|iter|sum|for)\b", "__iter__ __next__"),
    (r"\bassert (?:not )?[\w.]+\s*$", "__bool__ __len__"),
    (r"\bwith\b", "__enter__ __exit__"),
)
_TRACE_SECONDS: Final = 25.0
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Looked:
    """What was found for a task: the symbols, its tests, and what came of running them."""

    located: tuple[Located, ...]
    tests: tuple[str, ...] = ()
    executed: Executed = field(default_factory=Executed)
    notes: tuple[str, ...] = ()


def locate(
    task: str, context: ToolContext, options: EditOptions | None = None, *, tell: Tell | None = None
) -> list[Located]:
    """Return the symbols that ``task`` most likely asks to change, best first.

    Raises:
        AgentError: a file or symbol that ``options`` name is not there.
    """
    return list(look(task, context, options or EditOptions(), tell or nobody).located)


def look(task: str, context: ToolContext, options: EditOptions, tell: Tell) -> Looked:
    """Return what is found for ``task``, as :func:`locate` does, with the tests that it was found by."""
    return _Look(task, context, options, tell).result()


def nobody(line: str) -> None:
    """Nobody watches."""


class _Look:
    def __init__(self, task: str, context: ToolContext, options: EditOptions, tell: Tell) -> None:
        self._task, self._context, self._options, self._tell = task, context, options, tell
        self._units = Units(context.workspace)
        self._resolve = PathResolver(context.workspace)
        self._board = Board(self._units)
        self._notes: list[str] = []
        self._chosen: set[tuple[str, str]] = set()
        self._clues: Clues = clues_in(task)
        self._index: Index = current_index(context.workspace)
        self._graph = Graph(self._index.corpus)
        self._only = frozenset(self._file(path) for path in options.files)

    def result(self) -> Looked:
        evident = self._add_evidence()
        tests = named_tests(
            self._clues, self._options.tests, self._index, self._units, self._context.workspace
        )
        self._add_places(self._clues.places, "the task names", 0.75)
        self._add_names()
        self._add_places([Place(path) for path in self._only], "you named", 0.0)
        self._add_tests(tests)
        executed = self._executed(tests, evident)
        self._add_executed(executed)
        self._add_named_by_user()
        located = [
            found
            for found in self._board.ranked(10 * MOST)
            if (not self._only or found.path in self._only) and self._is_wanted(found)
        ]
        wanted = tests or executed.failing
        return Looked(tuple(located[:MOST]), tuple(wanted), executed, tuple(self._notes))

    def _file(self, path: str) -> str:
        return read_source(self._context.workspace, path).path

    def _is_wanted(self, found: Located) -> bool:
        """Whether a symbol is of the program, and not of its tests, unless these were named."""
        if self._chosen:
            return (found.path, found.symbol) in self._chosen
        return bool(self._only) or not is_test(found.path)

    def _add_evidence(self) -> list[int]:
        """Count what the words, the graph and the logs say; return the chunks."""
        gathered = gather(self._index, self._task, self._events(), _PARTS, 40, self._notes)
        for item in gathered.items:
            place = place_of(gathered.corpus, item.chunk)
            if place.kind != "section":
                reason = "; ".join(item.reasons[:2])
                self._board.add_line(place.path, place.line, _EVIDENT * item.score, reason)
        return [item.chunk for item in gathered.items]

    def _events(self) -> list[LogEvent]:
        try:
            return key_events(self._context)
        except AgentError as error:
            if error.code != "NoLogs":
                self._notes.append(f"Without logs: {error.message}")
            return []

    def _add_places(self, places: Iterable[Place], said: str, weight: float) -> None:
        """Count lines of the program: the innermost frame of an error comes last, and counts most."""
        seen = 0
        for place in reversed(list(places)):
            path = self._resolve(place.path)
            if path is None or (is_test(path) and path not in self._only):
                continue
            if place.line is None:
                for symbol in self._units.of(path):
                    self._board.add(path, symbol, 0.08, f"{said} {path}")
            else:
                self._board.add_line(path, place.line, weight * 0.75**seen, f"{said} line {place.line}")
                seen += 1

    def _add_names(self) -> None:
        for name in self._clues.names[:40]:
            self._add_name(name, 0.75, f"the task names {name}")
        for word in self._clues.words[:80]:
            if len(word) > 3:
                self._add_name(word, 0.2, f"the task says {word}")

    def _add_name(self, name: str, weight: float, reason: str) -> None:
        """Count the definitions of a name: a dotted one means those that it ends like."""
        head, _, tail = name.rpartition(".")
        found = [place_of(self._index.corpus, c) for c in self._graph.definitions(term_hash(tail))]
        found = [place for place in found if not is_test(place.path)]
        exact = [p for p in found if head and f".{p.symbol}".endswith(f".{head.rpartition('.')[2]}.{tail}")]
        found = exact or found
        if len(found) <= _MOST_NAMESAKES:
            for place in found:
                share = weight if place.kind in ("function", "method") else 0.4 * weight
                self._board.add_line(place.path, place.line, share / math.sqrt(len(found)), reason)

    def _add_tests(self, tests: Iterable[str]) -> None:
        """Count what the tests call, and what their names are made of."""
        for test in tests:
            path, _, rest = test.partition("::")
            name = rest.partition("[")[0].replace("::", ".")
            if not name:
                continue
            for called in _subjects(name):
                self._add_name(called, _NAMED_AFTER, f"{name} is named after it")
            for chunk in self._graph.definitions(term_hash(name.rpartition(".")[2])):
                if self._graph.path(chunk) == path:
                    self._add_calls(chunk, name)

    def _add_calls(self, chunk: int, name: str) -> None:
        for edge in self._graph.edges(chunk):
            if edge.relation in ("tests", "calls"):
                place = place_of(self._index.corpus, edge.target)
                self._board.add_line(place.path, place.line, 2 * _CALLED_BY * edge.weight, f"{name} calls it")
                for inner in self._graph.edges(edge.target):
                    if inner.relation == "calls":
                        place = place_of(self._index.corpus, inner.target)
                        self._board.add_line(
                            place.path, place.line, 0.1 * inner.weight, f"called by what {name} calls"
                        )

    def _executed(self, tests: list[str], evident: list[int]) -> Executed:
        """Run the tests that the task names, or those near to what it is about, and watch them."""
        if not tests and not _BROKEN.search(self._task):
            return Executed()  # tests that happen to fail are not what it is about
        wanted = tests or tests_near(evident[:12], self._index)
        seconds = min(_TRACE_SECONDS, self._options.seconds / 6)
        return traced(self._context.workspace, wanted, tests, seconds, self._tell, self._notes)

    def _add_executed(self, executed: Executed) -> None:
        failing = len(executed.failing)
        if not failing:
            return
        run: list[tuple[str, Symbol]] = []
        for path in executed.counts:
            if is_test(path):
                continue
            for symbol in self._units.of(path):
                found = executed.suspicion(path, symbol.line, symbol.end_line)
                if not found.failed:
                    continue
                run.append((path, symbol))
                size = min(1.0, found.lines / 8)  # where more is, more can be wrong
                said = f"run by {found.failed} of {failing} failing tests and {found.passed} passing"
                self._board.add(path, symbol, (_RUN + _SIZE * size) * found.score**2, said)
                if found.contrast > 0.1:
                    said = "failing tests take another branch in it"
                    self._board.add(path, symbol, _CONTRAST * found.contrast, said)
        known = {(path, symbol.qualified) for path, symbol in run}
        for path, symbol in self._board.entries():
            if path.endswith(".py") and (path, symbol.qualified) not in known and _is_run_when_called(symbol):
                self._board.temper(path, symbol, _UNRUN)
        for failure in list(executed.failures.values())[:3]:
            self._add_places(failure.frames, "the error came through", 0.5)
            self._add_failing_line(failure, run)
            called = [place for place in failure.recent if not is_test(place.path)]
            for rank, place in enumerate(called[:5]):
                self._board.add_line(
                    place.path, place.line or 1, _RECENT * 0.75**rank, "called last before that"
                )

    def _add_failing_line(self, failure: Failure, run: Iterable[tuple[str, Symbol]]) -> None:
        """Count what the line of the test names that fails."""
        for place in reversed(failure.frames):
            source = self._units.source(place.path) if is_test(place.path) else None
            if source is not None and place.line and place.line <= len(source.lines):
                line = source.lines[place.line - 1]
                self._add_operators(line, run)
                for name in dict.fromkeys(_CALLED.findall(line)):
                    self._add_name(name, _FAILING_LINE, f"the test fails where it names {name}")
                return

    def _add_operators(self, line: str, run: Iterable[tuple[str, Symbol]]) -> None:
        """Count the special methods behind the operators of a line that fails."""
        meant = {name for pattern, names in _OPERATORS if re.search(pattern, line) for name in names.split()}
        for path, symbol in run:
            if symbol.name in meant:
                self._board.add(path, symbol, _OPERATOR, "the test fails where it is used by an operator")

    def _add_named_by_user(self) -> None:
        for name in self._options.symbols:
            path, _, symbol = name.rpartition(":")
            files = [self._file(path)] if path else sorted(self._only)
            chunks = self._graph.definitions(term_hash(symbol.rpartition(".")[2]))
            places = [place_of(self._index.corpus, chunk) for chunk in chunks]
            places = [place for place in places if not files or place.path in files]
            exact = [place for place in places if place.symbol == symbol]
            found = exact or [place for place in places if place.symbol.endswith(f".{symbol}")]
            if not found:
                raise UsageError(
                    f"There is no symbol {name!r} here.",
                    code="SymbolNotFound",
                    next=f"Look for it: dspy-agent esearch --q {symbol}",
                )
            for place in found:
                self._add_exactly(place.path, place.symbol, place.line)

    def _add_exactly(self, path: str, name: str, line: int) -> None:
        source = self._units.source(path)
        symbol = source.symbol(name, line) if source else None
        if symbol is not None:
            self._chosen.add((path, name))
            self._board.add(path, symbol, 0.95, "you named it")


def _subjects(test: str) -> list[str]:
    """Return the names that a test's name may be made of: ``test_first_item_empty`` → first_item, first, …"""
    *outer, last = test.split(".")
    bare = last.removeprefix("test").lstrip("_") or last
    parts = bare.split("_")
    names = ["_".join(parts[:size]) for size in range(len(parts), 0, -1)]
    for part in outer:
        subject = part.removeprefix("Test").removesuffix("Tests").removesuffix("Test")
        names += [f"{subject}.{name}" for name in names[:2]] if subject else []
    camel = "".join(word.title() for word in split_word(bare))
    return list(dict.fromkeys(name for name in (*names, camel) if len(name) > 2))


def _is_run_when_called(symbol: Symbol) -> bool:
    return symbol.kind in ("function", "method")
