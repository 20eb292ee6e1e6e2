"""The structure of Python source, from the standard library's own parser."""

from __future__ import annotations

import ast
import warnings

from dspy_agent_core.code.structure import FileStructure, Import, Symbol, one_line

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def parse_python(text: str) -> FileStructure | None:
    """Return the structure of ``text``, or None if it is no Python that this version can parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            tree = ast.parse(text)
        found = FileStructure("python", docstring=ast.get_docstring(tree))
        _visit(tree, "", False, found)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return found


def _visit(node: ast.AST, prefix: str, in_class: bool, found: FileStructure) -> None:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, _Definition):
            symbol = _symbol(child, prefix, in_class)
            found.symbols.append(symbol)
            _visit(child, f"{symbol.qualified}.", isinstance(child, ast.ClassDef), found)
        elif isinstance(child, ast.Import):
            found.imports.extend(Import(alias.name, child.lineno) for alias in child.names)
        elif isinstance(child, ast.ImportFrom):
            module = "." * child.level + (child.module or "")
            found.imports.append(Import(module, child.lineno, tuple(a.name for a in child.names)))
        elif isinstance(child, (ast.stmt, ast.ExceptHandler, ast.match_case)):
            _visit(child, prefix, in_class, found)


def _symbol(node: _Definition, prefix: str, in_class: bool) -> Symbol:
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    kind = "class" if isinstance(node, ast.ClassDef) else "method" if in_class else "function"
    return Symbol(
        name=node.name,
        qualified=prefix + node.name,
        kind=kind,
        line=first,
        end_line=node.end_lineno or node.lineno,
        signature=one_line(_signature(node)),
        docstring=ast.get_docstring(node),
    )


def _signature(node: _Definition) -> str:
    if isinstance(node, ast.ClassDef):
        bases = [ast.unparse(base) for base in node.bases] + [
            f"{keyword.arg or '**'}{'=' if keyword.arg else ''}{ast.unparse(keyword.value)}"
            for keyword in node.keywords
        ]
        return f"class {node.name}({', '.join(bases)})" if bases else f"class {node.name}"
    word = "async def" if isinstance(node, ast.AsyncFunctionDef) else "def"
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return f"{word} {node.name}({ast.unparse(node.args)}){returns}"
