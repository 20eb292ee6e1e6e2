"""Takes a definition of any language that tree-sitter parses out of a model's answer."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from dspy_agent.edits.answer import Rejected, Written
from dspy_agent.edits.layout import at_margin, in_units_of
from dspy_agent.edits.source import structure_of
from dspy_agent_core.code.structure import FileStructure, Symbol

# What makes a file of a method that stands alone.
_AROUND: Final = {
    "php": ("<?php class _Around {", "}"),
    "ruby": ("class Around", "end"),
    "rust": ("impl Around {", "}"),
}
_IN_CLASS: Final = frozenset(("javascript", "typescript", "tsx", "java", "csharp", "kotlin", "cpp"))
_LINE_IMPORTS: Final = frozenset(
    ("javascript", "typescript", "tsx", "java", "csharp", "kotlin", "php", "rust", "c", "cpp", "ruby")
)
_ABOVE: Final = re.compile(r"\s*(?:@\w|#\[|\[\w)")  # a decorator, an attribute, an annotation
_EXPORT: Final = re.compile(r"(?:export\s+default|export|pub(?:\([^)]*\))?|public)\s+")


def written_other(
    block: str, symbol: Symbol, original: Sequence[str], language: str, imported: frozenset[str], unit: str
) -> Written:
    """Return what ``block`` writes in the place of ``symbol``.

    Args:
        original: the lines of that definition, at the margin.
        imported: the modules that its file imports.
        unit: what its file is indented by.

    Raises:
        Rejected: it can't be parsed, defines something else, or changes nothing.
    """
    lines = block.strip("\n").split("\n")
    found, structure, shift = _find(lines, symbol, language)
    span = lines[found.line - 1 - shift : found.end_line - shift]
    new = _with_old_head(in_units_of(at_margin(span)[0], unit), original)
    if "".join("".join(new).split()) == "".join("".join(original).split()):
        raise Rejected("it changes nothing")
    imports = list(_imports(structure, lines, shift, imported)) if language in _LINE_IMPORTS else []
    return Written(tuple(new), tuple(imports))


def _find(lines: list[str], symbol: Symbol, language: str) -> tuple[Symbol, FileStructure, int]:
    """Return the definition in the answer, what else it holds, and how far its line numbers are off."""
    seen: list[str] = []
    for before, after in (None, None), _AROUND.get(language, ("class _Around {", "}")):
        if before is not None and language not in _IN_CLASS and language not in _AROUND:
            break
        text = "\n".join(lines if before is None else [before, *lines, after or ""])
        structure = structure_of(text, language)
        named = [found for found in structure.symbols if found.name == symbol.name]
        if named and not structure.broken:
            best = min(named, key=lambda found: (found.qualified != symbol.qualified, found.line))
            return best, structure, 0 if before is None else 1
        seen += [found.name for found in structure.symbols if found.name != "_Around"]
        if named:
            seen.append(symbol.name)
    if symbol.name in seen:
        raise Rejected("it can't be parsed: brackets or quotes don't match")
    said = f"it defines {', '.join(dict.fromkeys(seen[:3]))}" if seen else "it defines nothing"
    raise Rejected(f"{said}, not {symbol.name}")


def _with_old_head(new: list[str], original: Sequence[str]) -> list[str]:
    """Give ``new`` the decorators and the export word of ``original`` where it has none."""
    above = 0
    while above < len(original) - 1 and _ABOVE.match(original[above]):
        above += 1
    own = 0
    while own < len(new) - 1 and _ABOVE.match(new[own]):
        own += 1
    word = _EXPORT.match(original[above])
    if word and not _EXPORT.match(new[own]):
        new = [*new[:own], word[0] + new[own], *new[own + 1 :]]
    return [*original[:above], *new] if above and not own else new


def _imports(
    structure: FileStructure, lines: Sequence[str], shift: int, imported: frozenset[str]
) -> Iterator[str]:
    """Yield the answer's one-line imports of modules that the file does not import."""
    for found in structure.imports:
        line = lines[found.line - 1 - shift].strip()
        if found.module not in imported and not line.endswith(("(", "{", ",")):
            yield line
