"""What a task's words say about where to look: places in files, names, tests."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final, TypeVar

_PLACE: Final = re.compile(
    r"""File\ "(?P<quoted>[^"\n]{1,400})",\ line\ (?P<number>\d{1,7})"""
    r"""|(?P<path>(?:[A-Za-z]:)?[\w./\\@+-]{1,300}\.\w{1,5}):(?P<line>\d{1,7})"""
    r"""|(?P<bare>[\w./\\@+-]{0,300}\w\.(?:py|pyi|js|jsx|mjs|cjs|ts|tsx|go|java|rs|c|h|cc|cpp|hpp|rb|cs|php|kt|sh|sql))\b(?!\()""",
    re.VERBOSE,
)
_TEST_ID: Final = re.compile(r"[\w./\\-]{1,300}\.\w{1,4}(?:::[\w-]{1,200}){1,4}(?:\[[^\]\n]{0,200}\])?")
_TEST_NAME: Final = re.compile(r"\b(?:[Tt]est_?\w{2,200}|\w{2,100}_test|Test[A-Z]\w{2,100})\b")
_NAME: Final = re.compile(r"[A-Za-z_$][\w$]{1,100}(?:(?:\.|::|\#)[A-Za-z_$][\w$]{0,100}){0,5}")
_QUOTED: Final = re.compile(r"`([^`\n]{1,200})`")
_OUTPUT: Final = re.compile(
    r"\s|[>=_*|]|[.FEsxX]+\s+\[ *\d+%\]|E(?:\s|$)|FAILED|ERROR|Traceback|File |\d+ (?:failed|passed)"
    r"|\w*(?:Error|Exception):|[\w./\\-]+:\d+: "
)
_MOST: Final = 200

Item = TypeVar("Item", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Place:
    """A file as the task names it, and a line in it; a later one is nearer to where an error was raised."""

    path: str
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Clues:
    """``names`` look like code (dotted, quoted, snake or camel case) and stand in what a person wrote.

    ``words`` are all others, those in pasted output too.
    """

    places: tuple[Place, ...] = ()
    names: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    test_ids: tuple[str, ...] = ()
    test_names: tuple[str, ...] = ()


def clues_in(task: str) -> Clues:
    """Return what ``task`` names."""
    text = task[:100_000]
    ids = _first(match[0] for match in _TEST_ID.finditer(text))
    tests = _first(match[0] for match in _TEST_NAME.finditer(text))
    prose = in_own_words(text)
    quoted = [name for match in _QUOTED.finditer(prose) for name in _names(match[1])]
    found = list(_names(text))
    names = _first([*quoted, *(name for name in _names(prose) if _is_telling(name))])
    return Clues(
        _first(_places(text)),
        tuple(name for name in names if name not in tests),
        tuple(name for name in _first(found) if name not in names),
        ids,
        tests,
    )


def in_own_words(task: str) -> str:
    """Return the lines of ``task`` that a person wrote: without the pasted output of tests and programs."""
    return "\n".join(line for line in task.split("\n") if not _OUTPUT.match(line)).strip()


def _places(text: str) -> Iterator[Place]:
    for match in _PLACE.finditer(text):
        path = match["quoted"] or match["path"] or match["bare"]
        line = match["number"] or match["line"]
        yield Place(path, int(line) if line else None)


def _names(text: str) -> Iterator[str]:
    for match in _NAME.finditer(text):
        yield re.sub(r"::|#", ".", match[0])


def _is_telling(name: str) -> bool:
    """Whether a word can hardly be one of plain language."""
    tail = name.rpartition(".")[2]
    return "." in name or "_" in name.strip("_") or not (tail.islower() or tail.istitle() or tail.isupper())


def _first(items: Iterable[Item]) -> tuple[Item, ...]:
    return tuple(list(dict.fromkeys(items))[:_MOST])
