"""What a failing test points to, by plain rules: the peers without a search of their own are given this.

First the functions of the traceback, the innermost first, then those whose names the test uses, the last used
first: a test calls what it is about just before it fails.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bugs.packages import package
from benchmarks.bugs.scope import Source
from benchmarks.bugs.systems.base import own_files
from benchmarks.bugs.tasks import Task

_FRAME = re.compile(r"^(?P<path>[\w./-]+\.py):(?P<line>\d+):", re.MULTILINE)
_COMMON = frozenset(("__init__", "get", "set", "items", "keys", "values", "update", "pop", "add", "append"))


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the package."""

    path: str
    symbol: str
    first_line: int
    last_line: int


def functions_of(folder: Path, code: str) -> list[Function]:
    """Return the package's outermost functions and methods."""
    found = []
    for file in own_files(folder, code):
        path = file.relative_to(folder).as_posix()
        for scope in Source(file.read_bytes()).functions():
            found.append(Function(path, scope.symbol, scope.first_line, scope.last_line))
    return found


def pointed_to(task: Task, folder: Path) -> list[Function]:
    """Return the functions that the test points to, best first."""
    functions = functions_of(folder, package(task.bug.package).code)
    found = dict.fromkeys(_in_traceback(task.text, functions))
    if task.test:
        found.update(dict.fromkeys(_used(task, folder, functions)))
    else:
        words = re.findall(r"[A-Za-z_]\w{3,}", task.text)
        found.update(dict.fromkeys(_named(list(reversed(words)), functions)))
    return list(found)


def _in_traceback(text: str, functions: list[Function]) -> Iterator[Function]:
    for match in reversed(list(_FRAME.finditer(text))):
        for one in functions:
            if one.path == match["path"] and one.first_line <= int(match["line"]) <= one.last_line:
                yield one


def _used(task: Task, folder: Path, functions: list[Function]) -> Iterator[Function]:
    """Yield the functions named in the test, those at the line that fails first."""
    path, *parts = task.test.partition("[")[0].split("::")
    source = Source((folder / path).read_bytes())
    symbol = ".".join(parts)
    for scope in source.functions():
        if scope.symbol == symbol:
            lines = source.content.decode().splitlines()[scope.first_line - 1 : scope.last_line]
            failed = re.findall(r"^>\s+(.*)$", task.text, re.MULTILINE)
            calls = [word for line in failed for word in _words(line)]
            body = [word for line in lines for word in _words(line)]
            yield from _named(calls + body[::-1], functions)


def _words(line: str) -> list[str]:
    try:
        nodes = ast.walk(ast.parse(line.strip().rstrip(":")))
        found = [node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "") for node in nodes]
    except SyntaxError:
        found = re.findall(r"[A-Za-z_]\w*", line)
    return [word for word in found if word]


def _named(words: list[str], functions: list[Function]) -> Iterator[Function]:
    for word in words:
        if word not in _COMMON:
            for one in functions:
                names = one.symbol.split(".")
                if word == names[-1] or (names[-1] in ("__init__", "__call__") and word == names[0]):
                    yield one
