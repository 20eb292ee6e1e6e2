"""The head of a Python file: which names it binds, and where further imports belong."""

from __future__ import annotations

import ast

from dspy_agent.edits.python_answer import parse


def bound_names(text: str) -> frozenset[str]:
    """Return the names that the file ``text`` imports, assigns or defines at its top level."""
    names: set[str] = set()
    for node in _body(text):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names |= {alias.asname or alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.If, ast.Try)):
            names |= {
                inner.id
                for inner in ast.walk(node)
                if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store)
            }
            names |= {
                inner.asname or inner.name.partition(".")[0]
                for inner in ast.walk(node)
                if isinstance(inner, ast.alias)
            }
    return frozenset(names)


def imports_end(text: str) -> int:
    """Return the number of lines of the file's head: docstring and first imports, else its first comments."""
    end = 0
    for number, node in enumerate(_body(text)):
        is_docstring = number == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, (ast.Import, ast.ImportFrom)):
            end = node.end_lineno or node.lineno
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            break
    lines = text.split("\n")
    return end or next((at for at, line in enumerate(lines) if not line.startswith("#")), len(lines))


def _body(text: str) -> list[ast.stmt]:
    try:
        return parse(text.replace("\r\n", "\n")).body
    except SyntaxError:
        return []
