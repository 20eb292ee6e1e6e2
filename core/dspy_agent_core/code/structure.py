"""The structure of one source file: what a parser of any language answers."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Symbol:
    """A definition.

    ``kind``: ``class``, ``function``, ``method``, ``interface``, ``struct``, ``enum``, ``type``, ``trait``,
    ``module``, ``macro``, ``constant``, ``property``; ``declaration`` is a C or C++ function without its
    body; ``section`` is of documents, ``table`` and ``view`` are SQL's. ``qualified`` joins the names of what
    encloses it by dots (sections: by " > "). The lines count from 1 and end at line feeds, both within,
    decorators included. ``signature`` is one line; ``docstring`` the whole text, on ``docstring_lines``:
    within the body in Python, elsewhere the comment above, often before ``line``. ``bases`` is what it
    inherits from, implements, mixes in or embeds, as written but without type arguments.
    """

    name: str
    qualified: str
    kind: str
    line: int
    end_line: int
    signature: str
    docstring: str | None = None
    bases: tuple[str, ...] = ()
    docstring_lines: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Import:
    """``module`` as written (relative ones with their dots or slashes), ``names`` taken out of it."""

    module: str
    line: int
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FileStructure:
    """What a file holds, in the order of its lines. ``broken``: the parser met a syntax error."""

    language: str
    symbols: list[Symbol] = field(default_factory=list)
    imports: list[Import] = field(default_factory=list)
    docstring: str | None = None
    broken: bool = False


def one_line(text: str, limit: int = 200) -> str:
    """Return ``text`` with its white space collapsed, cut to ``limit`` characters."""
    joined = " ".join(text.split())
    return joined if len(joined) <= limit else joined[: limit - 1] + "…"


def split_lines(text: str) -> list[str]:
    """Return the lines as parsers count them: form feeds and Unicode's separators end none."""
    return text.split("\n")
