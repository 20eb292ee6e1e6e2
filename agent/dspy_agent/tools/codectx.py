"""``codectx``: what a file or symbol is, who uses it, what tests it, what changed it last."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dspy_agent.code.find import find_definitions, is_utf8, search_word, split_name, suggest_names
from dspy_agent.code.history import Change, last_change
from dspy_agent.code.parse import parse_file
from dspy_agent.tools.amounts import count, human_size
from dspy_agent.tools.arguments import CodectxArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.files import open_regular
from dspy_agent.workspace.paths import confine, display, relative, unusable
from dspy_agent_core.code.languages import language_of
from dspy_agent_core.code.links import dotted, imports_file, is_test
from dspy_agent_core.code.structure import FileStructure, Import, Symbol, split_lines
from dspy_agent_core.contracts.results import Hit
from dspy_agent_core.errors import UsageError, WorkspaceError

MAX_USES = 50


@dataclass(frozen=True, slots=True)
class CodeContext:
    """What is known of a file, or of the ``symbol`` in it. Fields that don't apply are left out.

    ``used_by``: imports of the file, or lines that name the symbol, outside of tests; ``tests``: test files
    that do the same. ``broken``: the file has a syntax error, and its symbols are a best guess. False only
    for a name that is not defined here; then ``similar`` has names like it.
    """

    path: str | None = None
    language: str | None = None
    size: int | None = None
    lines: int | None = None
    broken: bool | None = None
    binary: bool | None = None
    symbol: Symbol | None = None
    docstring: str | None = None
    imports: list[Import] | None = None
    symbols: list[Symbol] | None = None
    used_by: list[Hit] | None = None
    tests: list[str] | None = None
    last_change: Change | None = None
    also_defined: list[Hit] | None = None
    similar: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return self.path is not None


def run(arguments: CodectxArguments, context: ToolContext) -> CodeContext:
    """Describe the file or symbol that ``arguments.target`` names.

    Raises:
        WorkspaceError: for a folder, or for a file that can't be read.
    """
    path, name = split_name(arguments.target)
    if not arguments.target or any(char in arguments.target for char in "\n\0"):
        raise UsageError(
            "The name is empty or no name.", code="BadSymbol", next="Try: dspy-agent codectx src/app.py"
        )
    if path is None and (found := _as_file(arguments.target, context.workspace)):
        return _describe_file(found, context.workspace)
    return _describe_symbol(name, confine(context.workspace, path) if path else None, context.workspace)


def _as_file(target: str, workspace: Path) -> Path | None:
    try:
        path = confine(workspace, target)
    except WorkspaceError as error:
        looks_like_path = "/" in target or language_of(target) is not None
        if error.code == "PathNotFound" and not looks_like_path:
            return None
        raise
    if path.is_dir():
        raise WorkspaceError(
            f"{display(target)} is a folder.",
            code="NotAFile",
            next=f"See what it holds with: dspy-agent tree {display(target)}",
        )
    return path


def _describe_file(path: Path, workspace: Path) -> CodeContext:
    shown = relative(workspace, path)
    try:
        with open_regular(path) as file:
            head = file.read(8192)
            lines = head.count(b"\n")
            while data := file.read(1 << 20):
                lines += data.count(b"\n")
            size = os.fstat(file.fileno()).st_size
    except OSError as error:
        raise unusable(display(shown), error) from None
    binary = b"\0" in head and not head.startswith((b"\xff\xfe", b"\xfe\xff"))
    parsed = parse_file(path)
    structure = parsed[1] if parsed else None
    used_by, tests = _importers(shown, structure, workspace) if structure else ([], [])
    return CodeContext(
        path=display(shown),
        language=language_of(shown),
        size=size,
        lines=None if binary else lines,
        binary=binary or None,
        broken=(structure.broken or None) if structure else None,
        docstring=structure.docstring if structure else None,
        imports=structure.imports if structure else None,
        symbols=structure.symbols if structure else None,
        used_by=used_by if structure else None,
        tests=tests if structure else None,
        last_change=last_change(path),
    )


def _importers(shown: str, structure: FileStructure, workspace: Path) -> tuple[list[Hit], list[str]]:
    word = dotted(shown).rpartition(".")[2]
    if structure.language == "go":
        word = Path(shown).parent.name or word
    used_by: list[Hit] = []
    tests: list[str] = []
    if not is_utf8(word):
        return used_by, tests  # no import can name it
    for found in search_word(workspace, word):
        importer = relative(workspace, found.path)
        parsed = parse_file(found.path) if importer != shown else None
        if parsed is None:
            continue
        for imported in parsed[1].imports:
            if imports_file(imported, importer, shown, parsed[1].language):
                if is_test(importer):
                    tests.append(display(importer))
                else:
                    line = split_lines(parsed[0])[imported.line - 1 : imported.line]
                    used_by.append(Hit(display(importer), line=imported.line, text="".join(line).strip()))
                break
    return used_by[:MAX_USES], tests[:MAX_USES]


def _describe_symbol(name: str, within: Path | None, workspace: Path) -> CodeContext:
    definitions = find_definitions(workspace, name, within) if name else []
    if not definitions:
        return CodeContext(similar=suggest_names(workspace, name) if name else [])
    best, *others = definitions
    used_by, tests = _uses(best.symbol, best.path, workspace)
    return CodeContext(
        path=display(best.path),
        language=language_of(best.path),
        symbol=best.symbol,
        used_by=used_by,
        tests=tests,
        last_change=last_change(workspace / best.path),
        also_defined=[
            Hit(display(other.path), line=other.symbol.line, symbol=other.symbol.qualified)
            for other in others[:MAX_USES]
        ]
        or None,
    )


def _uses(symbol: Symbol, shown: str, workspace: Path) -> tuple[list[Hit], list[str]]:
    used_by: list[Hit] = []
    tests: list[str] = []
    for found in search_word(workspace, symbol.name):
        path = relative(workspace, found.path)
        lines = [
            line for line in found.lines if path != shown or not symbol.line <= line.number <= symbol.end_line
        ]
        if lines and is_test(path):
            tests.append(display(path))
        else:
            used_by += [Hit(display(path), line=line.number, text=line.text.strip()) for line in lines]
    return used_by[:MAX_USES], tests[:MAX_USES]


def render(result: CodeContext, arguments: CodectxArguments, console: Any) -> None:
    """Print the context as a short page."""
    if not result:
        return
    symbol = result.symbol
    if symbol is not None:
        console.out(
            f"{symbol.qualified}: {symbol.kind}, {result.path}:{symbol.line}-{symbol.end_line}", style="bold"
        )
        console.out(f"  {symbol.signature}")
    else:
        facts = [result.language or ("binary" if result.binary else "text"), human_size(result.size or 0)]
        facts += [count(result.lines, "line")] if result.lines is not None else []
        facts += ["has a syntax error"] if result.broken else []
        console.out(f"{result.path}: {', '.join(facts)}", style="bold")
    docstring = symbol.docstring if symbol else result.docstring
    if docstring:
        console.out("  " + docstring.strip().replace("\n", "\n  "))
    if result.last_change:
        change = result.last_change
        console.out(f"last change: {change.commit} {change.date[:10]} {change.author}: {change.subject}")
    _section(console, "imports", [i.module for i in result.imports or ()])
    _section(
        console,
        "symbols",
        [f"{s.line}: {'  ' * s.qualified.count('.')}{s.signature}" for s in result.symbols or ()],
    )
    _section(console, "also defined", [f"{h.path}:{h.line} {h.symbol}" for h in result.also_defined or ()])
    _section(console, "used by", [f"{h.path}:{h.line}: {h.text}" for h in result.used_by or ()])
    _section(console, "tests", result.tests or [])


def _section(console: Any, title: str, lines: list[str]) -> None:
    if lines:
        console.out(f"{title}:")
        for line in lines:
            console.out(f"  {line}")


def notes(result: CodeContext, arguments: CodectxArguments) -> list[str]:
    """Say what was not found, with names like it."""
    if result:
        return []
    near = f" Names like it: {', '.join(result.similar)}." if result.similar else ""
    return [f"There is no file or definition {arguments.target} here.{near}"]
