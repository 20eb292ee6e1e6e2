"""Makes a small bug in a function: one operator, constant or condition is changed, and nothing else."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple

from dspy_agent.gepa.data.syntax import parse, same_code

_COMPARES: Final[dict[type[ast.cmpop], str]] = {
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
_OPERATORS: Final[dict[type[ast.operator], str]] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "+",
    ast.FloorDiv: "*",
}


class Bug(NamedTuple):
    """A change of one line: ``line`` counts from 1; the text from ``start`` to ``end`` becomes ``new``."""

    line: int
    start: int
    end: int
    new: str


def with_bug(source: str, seed: str) -> tuple[str, int] | None:
    """Return ``source`` (a function) with a bug drawn by ``seed``, and its line; None if none fits."""
    tree = parse(source)
    if tree is None:
        return None
    lines = source.split("\n")
    bugs = [bug for bug in _bugs(tree, lines) if lines[bug.line - 1].isascii()]  # columns are bytes
    if not bugs:
        return None
    drawn = int.from_bytes(hashlib.sha256(seed.encode("utf-8", "replace")).digest()[:4])
    bug = bugs[drawn % len(bugs)]
    line = lines[bug.line - 1]
    lines[bug.line - 1] = f"{line[: bug.start]}{bug.new}{line[bug.end :]}"
    broken = "\n".join(lines)
    return (broken, bug.line) if parse(broken) is not None and not same_code(broken, source) else None


def _bugs(tree: ast.AST, lines: list[str]) -> Iterator[Bug]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.ops) == 1 and type(node.ops[0]) in _COMPARES:
            yield from _between(node.left, node.comparators[0], _COMPARES[type(node.ops[0])], lines)
        elif isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
            yield from _between(node.left, node.right, _OPERATORS[type(node.op)], lines)
        elif isinstance(node, ast.BoolOp):
            new = "or" if isinstance(node.op, ast.And) else "and"
            yield from _between(node.values[0], node.values[1], new, lines)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int):
            new = str(not node.value) if isinstance(node.value, bool) else str(node.value + 1)
            yield from _in_place_of(node, new)
        elif (
            isinstance(node, ast.UnaryOp)
            and isinstance(node.op, ast.Not)
            and node.lineno == node.operand.lineno
        ):
            yield Bug(node.lineno, node.col_offset, node.operand.col_offset, "")


def _between(left: ast.expr, right: ast.expr, new: str, lines: list[str]) -> Iterator[Bug]:
    """Yield the bug that puts ``new`` in place of what stands between two operands on one line."""
    if left.end_lineno != right.lineno or left.end_col_offset is None:
        return
    between = lines[right.lineno - 1][left.end_col_offset : right.col_offset]
    if between.strip(" ()") == between.strip() and "(" not in between and ")" not in between:
        yield Bug(right.lineno, left.end_col_offset, right.col_offset, f" {new} ")


def _in_place_of(node: ast.expr, new: str) -> Iterator[Bug]:
    if node.end_lineno == node.lineno and node.end_col_offset is not None:
        yield Bug(node.lineno, node.col_offset, node.end_col_offset, new)
