"""Docstring queries in other languages: first sentence of the comment above → the function without it.

Functions and their comments are found by the grammars that the index uses too. All comments that document a
function are taken out of the tree, whether asked for or not.
"""

from __future__ import annotations

import re
import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.code_search.dataset import Definition, Query, Target, set_folder, write_lines
from benchmarks.code_search.docstrings import distinct, first_paragraph
from benchmarks.code_search.places import Half, is_test, order_of
from dspy_agent.code.parse import parse_text
from dspy_agent.code.queries import QUERIES
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.structure import Symbol

FUNCTIONS_PER_LANGUAGE = 2_500
QUERIES_PER_LANGUAGE = 120
LARGEST_FILE = 300_000
LANGUAGES = frozenset(QUERIES) - {"python", "shell", "tsx"}
_CALLABLE = frozenset(("function", "method"))
_WORD = re.compile(r"[A-Za-z]{2,}|\d+")
_NOISE = re.compile(r"<[^>]+>|\{@\w+\s+([^}]*)\}|(?m:^\s*[@\\]\w+.*)|^\s*SECTION:.*|[`*]|(?m:^\s*SPDX-.*)")


@dataclass(frozen=True, slots=True)
class Stripped:
    """A file without its functions' comments: its definitions, and what each one was documented as."""

    path: str
    package: str
    language: str
    text: str
    found: tuple[tuple[Symbol, str | None], ...]

    @property
    def functions(self) -> int:
        """Count the functions."""
        return sum(symbol.kind in _CALLABLE for symbol, _ in self.found)


def strip_comments(text: str, language: str) -> tuple[str, list[tuple[Symbol, str | None]]] | None:
    """Return the text without its functions' comments, and its definitions with the text they had."""
    before = parse_text(text, language)
    if before is None or before.broken or not before.symbols:
        return None
    lines = text.split("\n")
    starts = {symbol.line for symbol in before.symbols}
    for symbol in reversed(before.symbols):
        if symbol.kind in _CALLABLE and symbol.docstring_lines and symbol.docstring:
            first, last = symbol.docstring_lines
            alone = not starts.intersection(range(first, last + 1)) and _only_comment(lines[first - 1 : last])
            if alone:
                lines[first - 1 : last] = [""] * (last - first + 1)
    stripped = "\n".join(lines)
    after = parse_text(stripped, language)
    if after is None or [one.qualified for one in after.symbols] != [one.qualified for one in before.symbols]:
        return None
    told = [
        was.docstring if now.docstring is None else None
        for was, now in zip(before.symbols, after.symbols, strict=True)
    ]
    return stripped, list(zip(after.symbols, told, strict=True))


def _only_comment(lines: list[str]) -> bool:
    opened = re.match(r"\s*(?:/[/*]|#|\*|<!--)", lines[0])
    return bool(opened) and not re.search(r"\*/\s*\S", lines[-1])


def build(half: Half, packages: dict[str, Path], data: Path | None = None) -> dict[str, int]:
    """Write the half's tree, definitions and queries; return how many there are of each."""
    folder = set_folder("comment", half, data)
    sources = _choose(packages)
    shutil.rmtree(folder, ignore_errors=True)
    for source in sources:
        path = folder / "tree" / source.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source.text, encoding="utf-8", newline="")
    definitions = [_definition(source, symbol) for source in sources for symbol, _ in source.found]
    by_language = defaultdict(list)
    for query in distinct(queries_of(sources)):
        by_language[query.language].append(query)
    chosen = [
        query
        for _, found in sorted(by_language.items())
        for query in sorted(found, key=lambda query: order_of(query.id))[:QUERIES_PER_LANGUAGE]
    ]
    return {
        "packages": len({source.package for source in sources}),
        "files": len(sources),
        "functions": sum(source.functions for source in sources),
        "definitions": write_lines(folder / "tree.definitions.jsonl", definitions),
        "queries": write_lines(folder / "queries.jsonl", chosen),
        **{
            language: min(len(found), QUERIES_PER_LANGUAGE) for language, found in sorted(by_language.items())
        },
    }


def _choose(packages: dict[str, Path]) -> list[Stripped]:
    """Take files of each language in turn from its packages, folder by folder, until there are enough."""
    files: dict[str, dict[str, list[tuple[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for package, root in packages.items():
        for file in root.rglob("*"):
            path = file.relative_to(root).as_posix()
            language = language_of(path)
            language = "typescript" if language == "tsx" else language
            if language in LANGUAGES and not _is_left_out(path) and file.is_file() and not file.is_symlink():
                files[language][package].append((order_of(f"{package}/{path.rpartition('/')[0]}"), path))
    chosen: list[Stripped] = []
    for language, found in sorted(files.items()):
        waiting = {package: iter(sorted(names)) for package, names in sorted(found.items())}
        counts = dict.fromkeys(waiting, 0)
        while waiting and sum(counts.values()) < FUNCTIONS_PER_LANGUAGE:
            package = min(waiting, key=lambda name: (counts[name], name))
            name = next(waiting[package], None)
            if name is None:
                del waiting[package]
            elif source := _read(package, packages[package], name[1], language):
                chosen.append(source)
                counts[package] += source.functions
    return chosen


def _is_left_out(path: str) -> bool:
    name = path.rpartition("/")[2]
    built = re.search(r"(?:^|/)(?:dist|build|debian|vendor|node_modules|cjs|esm\d*|umd|min|fp|locale)/", path)
    return bool(built) or is_test(path) or ".min." in name or name.endswith((".d.ts", ".d.mts", ".d.cts"))


def _read(package: str, root: Path, path: str, language: str) -> Stripped | None:
    file = root / path
    if file.stat().st_size > LARGEST_FILE:
        return None
    try:
        text = file.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError):
        return None
    stripped = strip_comments(text, language_of(path) or language)
    if stripped is None:
        return None
    return Stripped(f"{package}/{path}", package, language, stripped[0], tuple(stripped[1]))


def _definition(source: Stripped, symbol: Symbol) -> Definition:
    kind = symbol.kind if symbol.kind in _CALLABLE else "class"
    return Definition(
        source.path,
        symbol.qualified,
        kind,
        symbol.line,
        symbol.line,
        symbol.end_line,
        source.package,
        source.language,
    )


def queries_of(sources: Iterable[Stripped]) -> Iterator[tuple[Query, frozenset[str]]]:
    """Yield each documented function's query and the words of its code."""
    for source in sources:
        lines = source.text.split("\n")
        for symbol, told in source.found:
            text = _sentence(told or "", symbol.name)
            if symbol.kind not in _CALLABLE or not text or symbol.end_line - symbol.line < 2:
                continue
            target = Target(source.path, symbol.line, symbol.end_line, symbol.qualified)
            name = f"{source.path}:{symbol.qualified}:{symbol.line}"
            code = frozenset(_WORD.findall(" ".join(lines[symbol.line - 1 : symbol.end_line])))
            yield Query(name, text, (target,), source.package, source.language, symbol.kind), code


def _sentence(comment: str, name: str) -> str:
    """Return the first sentence without the function's own name, which Go's comments begin with."""
    comment = re.sub(rf"^\W*{re.escape(name)}\b(?:\(\))?\W*", "", comment)
    text = first_paragraph(_NOISE.sub(lambda match: match[1] or "", comment).strip())
    first = re.split(r"(?<=[a-z)][.!?]) (?=[A-Z])", text, maxsplit=1)[0]
    return first if len(re.findall(r"[A-Za-z]{2,}", first)) >= 3 else ""
