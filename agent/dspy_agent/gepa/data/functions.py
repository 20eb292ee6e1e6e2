"""The functions of a workspace's Python code: what they say they do, and what tests them."""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.gepa.data.syntax import parse
from dspy_agent.index.shared import current_index
from dspy_agent.workspace.files import read_text
from dspy_agent.workspace.paths import confine
from dspy_agent_core.code.links import is_test
from dspy_agent_core.errors import AgentError

_MOST_BYTES: Final = 1 << 20
_MOST_FILES: Final = 400
_MOST_LINES: Final = 40
_LEAST_LINES: Final = 3
_MOST_SAID: Final = 160


@dataclass(frozen=True, slots=True)
class Function:
    """A function or method.

    Args:
        path: of its file.
        symbol: its name, with its class.
        line, end_line: where it stands, decorators left out.
        source: its lines, as they stand.
        says: the first sentence of its docstring, "" without one.
    """

    path: str
    symbol: str
    line: int
    end_line: int
    source: str
    says: str


def functions(workspace: Path) -> Iterator[Function]:
    """Yield the functions that are neither tests nor long, by path and line; of 400 files at most."""
    files = current_index(workspace).manifest.files
    paths = sorted((path for path in files if path.endswith(".py") and not is_test(path)), key=_draw)
    for path in sorted(paths[:_MOST_FILES]):
        text = _read(workspace, path)
        if (tree := parse(text)) is not None:
            yield from _in(tree, path, text.split("\n"), "")


def _draw(path: str) -> bytes:
    return hashlib.sha256(path.encode("utf-8", "surrogateescape")).digest()


def _in(tree: ast.AST, path: str, lines: list[str], prefix: str) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.ClassDef):
            yield from _in(node, path, lines, f"{prefix}{node.name}.")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            end = node.end_lineno or node.lineno
            if _LEAST_LINES <= end - node.lineno + 1 <= _MOST_LINES:
                source = "\n".join(lines[node.lineno - 1 : end])
                says = _first_sentence(ast.get_docstring(node) or "")
                yield Function(path, f"{prefix}{node.name}", node.lineno, end, source, says)


def _first_sentence(docstring: str) -> str:
    first = " ".join(docstring.strip().split("\n\n")[0].split())
    return re.split(r"(?<=[.!?]) ", first)[0][:_MOST_SAID]


def _read(workspace: Path, path: str) -> str:
    try:
        return read_text(confine(workspace, path), _MOST_BYTES) or ""
    except (AgentError, OSError, ValueError):
        return ""
