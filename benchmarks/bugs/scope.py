"""What an operator may know: the bytes of a source, its functions, and the names within one."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

Function = ast.FunctionDef | ast.AsyncFunctionDef
_PLACE = ("lineno", "col_offset")


class Source:
    """A module's bytes with the places of its nodes (ast counts columns in bytes)."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.tree = ast.parse(content)
        self._lines = [0]
        for line in content.splitlines(keepends=True):
            self._lines.append(self._lines[-1] + len(line))

    def start(self, node: ast.AST) -> int:
        """Return the offset of the node's first byte."""
        return self._at(*(getattr(node, name) for name in ("lineno", "col_offset")))

    def end(self, node: ast.AST) -> int:
        """Return the offset behind the node's last byte."""
        return self._at(*(getattr(node, name) for name in ("end_lineno", "end_col_offset")))

    def _at(self, line: int, column: int) -> int:
        return self._lines[line - 1] + column

    def text(self, node: ast.AST) -> bytes:
        """Return the node's bytes."""
        return self.content[self.start(node) : self.end(node)]

    def between(self, left: ast.AST, right: ast.AST, token: bytes) -> tuple[int, int] | None:
        """Return where ``token`` stands between two nodes, if that is sure."""
        start, end = self.end(left), self.start(right)
        gap = self.content[start:end]
        if b"#" in gap or gap.count(token) != 1:
            return None
        found = start + gap.index(token)
        return found, found + len(token)

    def line(self, offset: int) -> int:
        """Return the number of the line in which the byte stands."""
        return self.content.count(b"\n", 0, offset) + 1

    def functions(self) -> Iterator[Scope]:
        """Yield the functions and methods; one within a function belongs to that one."""
        yield from self._functions(self.tree, "")

    def _functions(self, parent: ast.AST, prefix: str) -> Iterator[Scope]:
        for node in ast.iter_child_nodes(parent):
            if isinstance(node, Function):
                yield Scope(prefix + node.name, node)
            elif isinstance(node, ast.ClassDef):
                yield from self._functions(node, f"{prefix}{node.name}.")
            elif isinstance(node, ast.If | ast.Try):
                yield from self._functions(node, prefix)


@dataclass
class Scope:
    """An outermost function: ``symbol`` is its qualified name."""

    symbol: str
    function: Function

    @property
    def first_line(self) -> int:
        """Return its first line, decorators counted in."""
        return min([self.function.lineno, *(one.lineno for one in self.function.decorator_list)])

    @property
    def last_line(self) -> int:
        """Return its last line."""
        return self.function.end_lineno or self.function.lineno

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """Return what may be changed: no annotation, decorator, docstring or f-string."""
        found: list[ast.AST] = []
        waiting: list[ast.AST] = [self.function]
        while waiting:
            node = waiting.pop()
            if isinstance(node, ast.JoinedStr) or _is_docstring(node):
                continue
            found.append(node)
            for name, value in ast.iter_fields(node):
                if name not in ("annotation", "returns", "decorator_list"):
                    values = value if isinstance(value, list) else [value]
                    waiting.extend(one for one in values if isinstance(one, ast.AST))
        return sorted(found, key=lambda one: tuple(getattr(one, name, 0) for name in _PLACE))

    @cached_property
    def bound(self) -> dict[str, int]:
        """Return the names of parameters and variables with the line from which they are bound."""
        names: dict[str, int] = {}
        for node in self.nodes:
            if isinstance(node, ast.arg):
                names.setdefault(node.arg, 0)
            elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.setdefault(node.id, node.lineno)
        return {name: line for name, line in names.items() if name not in ("self", "cls", "_")}

    @cached_property
    def keys(self) -> list[str]:
        """Return the strings that it uses as keys."""
        found = [
            node.slice.value
            for node in self.nodes
            if isinstance(node, ast.Subscript)
            and isinstance(node.slice, ast.Constant)
            and isinstance(node.slice.value, str)
        ]
        return sorted(set(found))


def order_of(*parts: object) -> str:
    """Return a key that puts things in an order of chance, the same on every machine."""
    return hashlib.sha256(":".join(str(part) for part in parts).encode()).hexdigest()


def _is_docstring(node: ast.AST) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
