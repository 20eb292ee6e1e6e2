"""The set that quality is told by: first paragraph of a docstring → the function without its docstring.

As in CodeSearchNet, short functions, constructors, special methods and tests are no targets. Each half holds
about 17,000 functions, documented or not, from whole folders of many packages, none of which fills the half.
"""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks.code_search.dataset import Definition, Query, Target, set_folder, write_lines
from benchmarks.code_search.places import Half, is_test, order_of
from benchmarks.code_search.python_docstrings import Found, strip_docstrings

FUNCTIONS = 17_000
QUERIES = 1_000
LARGEST_FILE = 1_000_000
_WORD = re.compile(r"[A-Za-z]{2,}|\d+")


@dataclass(frozen=True, slots=True)
class Source:
    """A stripped file: ``path`` begins with its package's name."""

    path: str
    package: str
    text: bytes
    found: tuple[Found, ...]

    @property
    def functions(self) -> int:
        """Count the functions, which are what a half is sized by."""
        return sum(one.kind != "class" for one in self.found)


def build(half: Half, packages: dict[str, Path], data: Path | None = None) -> dict[str, int]:
    """Write the set's tree, definitions and queries; return how many there are of each."""
    folder = set_folder("docstring", half, data)
    sources = choose({name: list(_sources(name, root)) for name, root in sorted(packages.items())})
    shutil.rmtree(folder, ignore_errors=True)
    for source in sources:
        path = folder / "tree" / source.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source.text)
    definitions = [
        Definition(s.path, f.symbol, f.kind, f.line, f.def_line, f.end_line, s.package, "python")
        for s in sources
        for f in s.found
    ]
    possible = list(distinct(queries_of(sources)))
    chosen = sorted(possible, key=lambda query: order_of(query.id))[:QUERIES]
    return {
        "packages": len(packages),
        "files": len(sources),
        "definitions": write_lines(folder / "tree.definitions.jsonl", definitions),
        "functions": sum(source.functions for source in sources),
        "documented": sum(f.docstring is not None for s in sources for f in s.found),
        "possible_queries": len(possible),
        "queries": write_lines(folder / "queries.jsonl", chosen),
    }


def _sources(package: str, root: Path) -> Iterator[Source]:
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        if is_test(path) or not file.is_file() or file.stat().st_size > LARGEST_FILE:
            continue
        text = file.read_bytes()
        stripped = strip_docstrings(text) if _is_utf8(text) else None
        if stripped and stripped[1]:
            yield Source(f"{package}/{path}", package, stripped[0], tuple(stripped[1]))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def choose(packages: dict[str, list[Source]], functions: int = FUNCTIONS) -> list[Source]:
    """Return files with about ``functions`` functions, folder by folder, with one cap for all packages."""
    sizes = {name: sum(file.functions for file in files) for name, files in packages.items()}
    cap = next(
        (cap for cap in range(1, max(sizes.values(), default=0) + 1)
         if sum(min(size, cap) for size in sizes.values()) >= functions),
        functions,
    )  # fmt: skip
    return [file for _, files in sorted(packages.items()) for file in _up_to(cap, files)]


def _up_to(cap: int, files: list[Source]) -> list[Source]:
    taken: list[Source] = []
    count = 0

    def key(file: Source) -> tuple[str, str]:
        return order_of(file.path.rpartition("/")[0]), order_of(file.path)

    for file in sorted(files, key=key):
        if count + file.functions <= cap:
            taken.append(file)
            count += file.functions
    return sorted(taken, key=lambda file: file.path)


def queries_of(sources: Iterable[Source]) -> Iterator[tuple[Query, frozenset[str]]]:
    """Yield each documented function's query and the words of its code."""
    for source in sources:
        lines = source.text.decode("utf-8").splitlines()
        for found in source.found:
            text = first_paragraph(found.docstring or "")
            if found.kind == "class" or not text or not _is_target(found):
                continue
            target = Target(source.path, found.line, found.end_line, found.symbol)
            name = f"{source.path}:{found.symbol}:{found.line}"
            code = frozenset(_WORD.findall(" ".join(lines[found.def_line - 1 : found.end_line])))
            yield Query(name, text, (target,), source.package, "python", found.kind), code


def first_paragraph(docstring: str) -> str:
    """Return the first paragraph on one line, or nothing if it is no sentence of a fair length."""
    paragraph = " ".join(re.split(r"\n\s*\n", docstring.strip(), maxsplit=1)[0].split())
    words = len(paragraph.split())
    letters = sum(char.isascii() for char in paragraph)
    return paragraph if 3 <= words <= 60 and letters > 0.9 * len(paragraph) else ""


def _is_target(found: Found) -> bool:
    name = found.symbol.rpartition(".")[2]
    special = name.startswith("__") and name.endswith("__")
    return not special and not name.startswith("test") and found.end_line - found.def_line >= 2


def distinct(possible: Iterable[tuple[Query, frozenset[str]]]) -> Iterator[Query]:
    """Yield the queries whose words, and whose code's words, no other one has."""
    kept = list(possible)
    texts = Counter(_words(query.query) for query, _ in kept)
    codes = Counter(code for _, code in kept)
    for query, code in kept:
        if texts[_words(query.query)] == 1 and codes[code] == 1:
            yield query


def _words(text: str) -> frozenset[str]:
    return frozenset(word.lower() for word in _WORD.findall(text))
