"""Finds where a symbol is defined and where it is used, by a text search that parsing then confirms."""

from __future__ import annotations

import difflib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dspy_agent.code.parse import PARSED_GLOBS, parse_file
from dspy_agent.search.dialect import parse_pattern
from dspy_agent.search.grep import Search
from dspy_agent.search.query import MAX_TEXT, FileLines, Query
from dspy_agent.workspace.gitignore import parse_rules
from dspy_agent.workspace.ignore import Filters
from dspy_agent.workspace.walk import walk
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import dotted, is_test
from dspy_agent_core.code.structure import Symbol, split_lines

SUGGESTION_SECONDS = 1.0
_SOURCE = Filters(types=parse_rules(PARSED_GLOBS))
_OVERLOAD = re.compile(r"\s*@(?:\w+\.)?overload\b")
_SEPARATORS = ("::", "#", "/")


@dataclass(frozen=True, slots=True)
class Definition:
    """A symbol, the file that defines it (relative path), its source, and why it answers the name."""

    path: str
    symbol: Symbol
    source: str
    why: str
    rank: tuple[int, ...]


def split_name(name: str) -> tuple[str | None, str]:
    """Return (path or None, dotted name) of ``src/a.py:Class.method``, ``A::b``, ``A#b`` or ``a.b``."""
    path, colon, symbol = name.rpartition(":")
    if colon and path and not path.endswith(":"):
        return path, symbol
    for separator in _SEPARATORS:
        name = name.replace(separator, ".")
    return None, name.strip(".")


def search_word(
    workspace: Path, word: str, *, ignore_case: bool = False, whole: bool = True, limit: int = 5000
) -> Iterator[FileLines]:
    """Yield the source files with lines that hold ``word``."""
    node = parse_pattern(word, fixed=True, ignore_case=ignore_case, whole_words=whole)
    base = os.fspath(workspace)
    yield from Search(Query(node, base, _SOURCE, type_globs=PARSED_GLOBS, limit=limit)).run([base])


def find_definitions(workspace: Path, name: str, within: Path | None = None) -> list[Definition]:
    """Return the definitions of ``name``, the best first: exact and qualified before others, tests last."""
    last = name.rpartition(".")[2]
    if not is_utf8(last):
        return []
    for ignore_case in (False, True):
        files = (
            [os.fspath(within)]
            if within
            else [
                found.path
                for found in search_word(workspace, last, ignore_case=ignore_case)
                if _may_define(found, last)
            ]
        )
        definitions = [
            definition for path in files for definition in _definitions_in(workspace, path, name, ignore_case)
        ]
        if definitions:
            return sorted(definitions, key=lambda found: (found.rank, found.path, found.symbol.line))
    return []


def is_utf8(name: str) -> bool:
    """Return False for a name made from bytes that are not UTF-8: no source can hold it as a word."""
    return not any("\ud800" <= char <= "\udfff" for char in name)


def _may_define(found: FileLines, name: str) -> bool:
    """Return False if no line of a Python file can define ``name``: most files only use it."""
    if language_of(found.path) != "python":
        return True
    head = re.compile(rf"(?:\b(?:def|class)\s+|^\s*){re.escape(name)}(?!\w)", re.IGNORECASE)
    return any(head.search(line.text) or len(line.text) > MAX_TEXT for line in found.lines)


def _definitions_in(workspace: Path, path: str, name: str, ignore_case: bool) -> Iterator[Definition]:
    parsed = parse_file(path)
    if parsed is None:
        return
    text, structure = parsed
    shown = os.path.relpath(path, workspace)
    lines = split_lines(text)
    for symbol in structure.symbols:
        match = _match(symbol, shown, name, ignore_case)
        if match is not None:
            source = "\n".join(lines[symbol.line - 1 : symbol.end_line])
            stub = symbol.kind == "declaration" or _OVERLOAD.match(source) is not None
            inner = symbol.kind == "method" and "." not in name
            rank = (match[0], is_test(shown), stub, inner, shown.count("/"))
            yield Definition(shown, symbol, source, match[1], tuple(map(int, rank)))


def _match(symbol: Symbol, path: str, name: str, ignore_case: bool) -> tuple[int, str] | None:
    full, wanted = f"{dotted(path)}.{symbol.qualified}", name
    if ignore_case:
        full, wanted = full.lower(), wanted.lower()
    qualified = full[-len(symbol.qualified) :]
    if qualified == wanted:
        return (2, "same name in another case") if ignore_case else (0, "exact name")
    if f".{full}".endswith(f".{wanted}"):
        why = "module and name" if len(wanted) > len(qualified) else f"last part of {symbol.qualified}"
        return (3, "same name in another case") if ignore_case else (1, why)
    return None


def suggest_names(workspace: Path, name: str) -> list[str]:
    """Return qualified names that are like ``name``: those that hold it, then those spelled like it."""
    last = name.rpartition(".")[2].lower()
    deadline = time.monotonic() + SUGGESTION_SECONDS
    known: dict[str, str] = {}
    for found in walk(os.fspath(workspace), base=os.fspath(workspace), filters=_SOURCE):
        if time.monotonic() > deadline:
            break
        parsed = parse_file(found.path) if found.kind == "file" else None
        for symbol in parsed[1].symbols if parsed else ():
            known.setdefault(symbol.name.lower(), symbol.qualified)
    holding = sorted((key for key in known if last in key), key=lambda key: (len(key), key))[:5]
    close = [key for key in difflib.get_close_matches(last, known, 5, 0.7) if key not in holding]
    return [known[key] for key in [*holding, *close][:5]]
