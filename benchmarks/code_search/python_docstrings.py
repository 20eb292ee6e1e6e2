"""Takes the docstrings of functions out of Python source, and says what each function was documented as.

The file stays one that Python parses: a body that was only a docstring becomes ``...``.
"""

from __future__ import annotations

import ast
import warnings
from dataclasses import dataclass

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Definition = _Function | ast.ClassDef


@dataclass(frozen=True, slots=True)
class Found:
    """A definition of the stripped source and the docstring it had; ``statements`` counts what is left."""

    symbol: str
    kind: str
    line: int
    def_line: int
    end_line: int
    docstring: str | None


def strip_docstrings(source: bytes) -> tuple[bytes, list[Found]] | None:
    """Return the source without its functions' docstrings, and its definitions; None if it doesn't parse."""
    try:
        before = _parse(source)
        stripped = _without(source, before)
        after = _parse(stripped)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    found = []
    for (node, symbol, in_class), (left, _, _) in zip(_walk(before), _walk(after), strict=True):
        kind = "class" if isinstance(node, ast.ClassDef) else "method" if in_class else "function"
        first = min([left.lineno, *(decorator.lineno for decorator in left.decorator_list)])
        docstring = None if isinstance(node, ast.ClassDef) else ast.get_docstring(node)
        found.append(Found(symbol, kind, first, left.lineno, left.end_lineno or left.lineno, docstring))
    return stripped, found


def _parse(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _walk(tree: ast.AST, prefix: str = "", in_class: bool = False) -> list[tuple[_Definition, str, bool]]:
    found: list[tuple[_Definition, str, bool]] = []
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, _Definition):
            symbol = f"{prefix}{node.name}"
            found.append((node, symbol, in_class))
            found += _walk(node, f"{symbol}.", isinstance(node, ast.ClassDef))
        elif isinstance(node, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            found += _walk(node, prefix, in_class)
    return found


def _without(source: bytes, tree: ast.Module) -> bytes:
    lines = source.splitlines(keepends=True)
    for node, _, _ in reversed(_walk(tree)):
        text = node.body[0]
        if isinstance(node, ast.ClassDef) or ast.get_docstring(node, clean=False) is None:
            continue
        first, last = text.lineno - 1, (text.end_lineno or text.lineno) - 1
        head, tail = lines[first][: text.col_offset], lines[last][text.end_col_offset or 0 :]
        alone = not head.strip() and (not tail.strip() or tail.lstrip().startswith(b"#"))
        if alone and len(node.body) > 1:
            del lines[first : last + 1]
        else:
            lines[first : last + 1] = [head + b"..." + tail]
    return b"".join(lines)
