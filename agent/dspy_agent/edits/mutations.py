"""Small mechanical changes to suspicious lines of Python: what many bugs of one line are mended by.

The operators are those of mutation testing, used for repair (PraPR: Ghanbari, Benton, Zhang, ISSTA 2019):
if a wrong operator is all that is wrong, its neighbour mends it, and no model has to be asked. What is
missing is taken from elsewhere in the file.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from dspy_agent.edits.additions import additions
from dspy_agent.edits.ingredients import Function, Ingredients, Pieces
from dspy_agent.edits.node_places import Change, NodePlaces, is_constant

# How far behind the likeliest kind of mistake one is, in ranks of suspicious lines.
_LIKELY, _RARE, _WILD = 0.0, 4.0, 12.0

_COMPARED: Final[dict[type[ast.cmpop], tuple[str, tuple[str, ...]]]] = {
    ast.Lt: ("<", ("<=", ">", ">=")),
    ast.LtE: ("<=", ("<", ">=", ">")),
    ast.Gt: (">", (">=", "<", "<=")),
    ast.GtE: (">=", (">", "<=", "<")),
    ast.Eq: ("==", ("!=",)),
    ast.NotEq: ("!=", ("==",)),
    ast.Is: ("is", ("is not",)),
    ast.IsNot: ("is not", ("is",)),
    ast.In: ("in", ("not in",)),
    ast.NotIn: ("not in", ("in",)),
}
_CALCULATED: Final[dict[type[ast.operator], tuple[str, tuple[str, ...]]]] = {
    ast.Add: ("+", ("-", "*")),
    ast.Sub: ("-", ("+",)),
    ast.Mult: ("*", ("/", "+", "//", "**")),
    ast.Div: ("/", ("*", "//")),
    ast.FloorDiv: ("//", ("%", "/", "*")),
    ast.Mod: ("%", ("//", "/", "*")),
    ast.Pow: ("**", ("*",)),
    ast.BitAnd: ("&", ("|", "^")),
    ast.BitOr: ("|", ("&", "^")),
    ast.BitXor: ("^", ("&", "|")),
    ast.LShift: ("<<", (">>",)),
    ast.RShift: (">>", ("<<",)),
}
_FAMILIES: Final = (
    *("lower upper title capitalize casefold", "strip lstrip rstrip", "startswith endswith", "find rfind"),
    *("index rindex", "split rsplit splitlines", "partition rpartition", "min max", "any all"),
    *("keys values items", "append extend", "floor ceil round", "isalpha isalnum isdigit", "islower isupper"),
    *("ljust rjust center", "append appendleft", "match search fullmatch", "add discard", "pop popleft"),
    *(
        "union intersection difference",
        "issubset issuperset",
        "sorted list reversed",
        "removeprefix removesuffix",
    ),
)
_KIN: Final[dict[str, list[str]]] = {}
for _family in _FAMILIES:
    for _name in _family.split():
        _KIN.setdefault(_name, []).extend(other for other in _family.split() if other != _name)

_OTHER_JUMP: Final[dict[type[ast.stmt], str]] = {ast.Break: "continue", ast.Continue: "break"}
_MOST_NAMES: Final = 12

_Plain = tuple[ast.AST, int, int, str, float]


@dataclass(frozen=True, slots=True)
class Mutation:
    """``old`` at ``start`` (a character of the file) becomes ``new``; ``line`` is from 1.

    With ``instead`` that only asks whether something can be done there: what is done is one of these.
    ``guessed``: no code of the file says it.
    """

    path: str
    line: int
    start: int
    old: str
    new: str
    cost: float
    guessed: bool = False
    instead: tuple[str, ...] = ()

    def applied(self, text: str) -> str:
        """Return the file's text with it."""
        return text[: self.start] + self.new + text[self.start + len(self.old) :]


def mutations(path: str, text: str, scores: Mapping[int, float]) -> list[Mutation]:
    """Return changes to the lines of ``scores`` (line from 1 → suspicion), the likeliest first.

    Args:
        path: relative to the workspace.
        text: of the Python file; one that can't be parsed has none.
        scores: by Ochiai or the like.
    """
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    place = NodePlaces(text)
    ingredients = Ingredients(tree, place)
    ranks = {score: rank for rank, score in enumerate(sorted(set(scores.values()), reverse=True))}
    found: dict[tuple[int, str, str], Mutation] = {}
    for function in (node for node in ast.walk(tree) if isinstance(node, Function)):
        if not any(function.lineno <= line <= (function.end_lineno or 0) for line in scores):
            continue
        run = _as_run(function, scores)
        pieces = ingredients.for_function(function)
        added = additions(function, place, pieces, run.keys())
        for one in (*_changes(function, place, pieces), *added):
            line = place.line_of(one.start)
            score = max((run.get(at, 0.0) for at in _lines_of(one.node, line)), default=0.0)
            old = text[one.start : one.end]
            if score and old != one.new:
                cost = ranks[score] + one.cost
                made = Mutation(path, line, one.start, old, one.new, cost, one.guessed, one.instead)
                found.setdefault((one.start, old, one.new), made)
    return sorted(found.values(), key=lambda one: (one.cost, one.start))


def _as_run(function: Function, scores: Mapping[int, float]) -> dict[int, float]:
    """Return ``scores`` with those of the lines of default arguments, which are not run with the function.

    They are as suspicious as the first line of the body that was run.
    """
    arguments = function.args
    defaults = [one for one in (*arguments.defaults, *arguments.kw_defaults) if one is not None]
    body = range(function.body[0].lineno, (function.end_lineno or 0) + 1)
    entry = next((scores[line] for line in body if line in scores), 0.0)
    lines = {line: entry for one in defaults for line in _lines_of(one, one.lineno)}
    return {**lines, **scores}


def _lines_of(node: ast.AST, line: int) -> range:
    """Return the lines of a simple node; of a compound statement its first."""
    if isinstance(node, ast.expr) or (isinstance(node, ast.stmt) and not hasattr(node, "body")):
        return range(node.lineno, (node.end_lineno or node.lineno) + 1)
    return range(line, line + 1)


def _changes(function: Function, place: NodePlaces, pieces: Pieces) -> Iterator[Change]:
    names, keys = _bound(function), _keys(function)
    for node in ast.walk(function):
        for found in (
            _of_conditions(node, place),
            _of_operators(node, place),
            _of_values(node, place),
            _of_calls(node, place),
            _of_statements(node, place, names),
            _of_names(node, place, names, keys),
        ):
            yield from (Change(*one) for one in found)
        if isinstance(node, ast.Return) and _is_empty(node):
            for piece in pieces.returned:
                new = f"return {piece.text}"
                yield Change(node, place.start(node), place.end(node), new, piece.cost, piece.guessed)


def _of_conditions(node: ast.AST, place: NodePlaces) -> Iterator[_Plain]:
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for (left, right), how in zip(pairwise(sides), node.ops, strict=True):
            word, others = _COMPARED[type(how)]
            at = place.between(left, right, word)
            if at is not None:
                for number, other in enumerate(others):
                    yield node, at, at + len(word), other, _LIKELY if number == 0 else _RARE
    tests: list[ast.expr] = []
    if isinstance(node, ast.If | ast.While | ast.IfExp | ast.Assert):
        tests = [node.test]
    elif isinstance(node, ast.comprehension):
        tests = node.ifs
    elif isinstance(node, ast.BoolOp):
        tests = node.values
        word, other = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        for left, right in pairwise(node.values):
            at = place.between(left, right, word)
            if at is not None:
                yield node, at, at + len(word), other, _LIKELY
            yield node, place.start(left), place.start(right), "", _RARE
            yield node, place.end(left), place.end(right), "", _RARE
    elif isinstance(node, ast.Return) and isinstance(node.value, ast.Compare | ast.BoolOp | ast.UnaryOp):
        tests = [node.value]
    for test in tests:
        if not isinstance(test, ast.UnaryOp | ast.Compare | ast.Constant):
            simple = isinstance(test, ast.Name | ast.Attribute | ast.Call | ast.Subscript)
            new = f"not {place.of(test)}" if simple else f"not ({place.of(test)})"
            yield test, place.start(test), place.end(test), new, _LIKELY if simple else _RARE
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not | ast.USub | ast.Invert):
        yield node, place.start(node), place.start(node.operand), "", _LIKELY


def _of_operators(node: ast.AST, place: NodePlaces) -> Iterator[_Plain]:
    if not isinstance(node, ast.BinOp | ast.AugAssign) or type(node.op) not in _CALCULATED:
        return
    left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
    word, others = _CALCULATED[type(node.op)]
    at = place.between(left, right, word)
    if at is None:
        return
    texts = any(isinstance(one, ast.JoinedStr) or is_constant(one, str) for one in (left, right))
    for number, other in enumerate(others if not texts else ()):
        yield node, at, at + len(word), other, _LIKELY if number == 0 else _RARE
    if isinstance(node, ast.AugAssign):
        yield node, at, at + len(word), "", _RARE
    elif is_constant(right, int):
        yield node, place.end(left), place.end(right), "", _LIKELY
    elif is_constant(left, int):
        yield node, place.start(left), place.start(right), "", _RARE


def _of_values(node: ast.AST, place: NodePlaces) -> Iterator[_Plain]:
    if isinstance(node, ast.Constant):
        start, end = place.start(node), place.end(node)
        value = node.value
        if isinstance(value, bool):
            yield node, start, end, str(not value), _LIKELY
        elif isinstance(value, int) and abs(value) < 10**6:
            for number, other in enumerate((value - 1, value + 1, -value or 2)):
                yield (
                    node,
                    start,
                    end,
                    str(other) if other >= 0 else f"({other})",
                    (_LIKELY, _LIKELY, _RARE)[number],
                )
    elif isinstance(node, ast.Slice):
        for bound in (node.lower, node.upper):
            if bound is not None:
                text = place.of(bound)
                yield bound, place.start(bound), place.end(bound), "", _RARE
                yield bound, place.start(bound), place.end(bound), f"({text}) + 1", _RARE
                yield bound, place.start(bound), place.end(bound), f"({text}) - 1", _RARE
        text = place.of(node)
        if node.lower is None and text.startswith(":"):
            yield node, place.start(node), place.end(node), f"1{text}", _RARE
        if node.upper is None and text.endswith(":") and node.step is None:
            yield node, place.start(node), place.end(node), f"{text}-1", _RARE


def _of_calls(node: ast.AST, place: NodePlaces) -> Iterator[_Plain]:
    if not isinstance(node, ast.Call):
        return
    called = node.func
    name = (
        called.attr
        if isinstance(called, ast.Attribute)
        else called.id
        if isinstance(called, ast.Name)
        else ""
    )
    end = place.end(called)
    for number, other in enumerate(_KIN.get(name, ())):
        yield node, end - len(name), end, other, _LIKELY + number
    for left, right in pairwise(node.args):
        if not any(isinstance(one, ast.Starred) for one in (left, right)):
            start, end = place.start(left), place.end(right)
            middle = place.text[place.end(left) : place.start(right)]
            yield node, start, end, place.of(right) + middle + place.of(left), _RARE
    if name in ("sorted", "list", "reversed", "abs", "set") and len(node.args) == 1 and not node.keywords:
        yield node, place.start(node), place.end(node), place.of(node.args[0]), _RARE


def _of_statements(node: ast.AST, place: NodePlaces, names: Sequence[str]) -> Iterator[_Plain]:
    if isinstance(node, ast.Break | ast.Continue):
        yield node, place.start(node), place.end(node), _OTHER_JUMP[type(node)], _LIKELY
    elif isinstance(node, ast.Return) and _is_empty(node):
        for number, name in enumerate(reversed(names)):
            yield node, place.start(node), place.end(node), f"return {name}", _RARE + number
    elif isinstance(node, ast.AugAssign | ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield node, place.start(node), place.end(node), "pass", _WILD


def _of_names(
    node: ast.AST, place: NodePlaces, names: Sequence[str], keys: Sequence[str]
) -> Iterator[_Plain]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in names:
        for name in names:
            if name != node.id and name not in ("self", "cls") and node.id not in ("self", "cls"):
                yield node, place.start(node), place.end(node), name, _WILD
    elif isinstance(node, ast.Subscript) and is_constant(node.slice, str):
        for key in keys:
            yield node, place.start(node.slice), place.end(node.slice), repr(key), _RARE


def _keys(function: Function) -> list[str]:
    """Return the texts that a function takes something by."""
    slices = [node.slice for node in ast.walk(function) if isinstance(node, ast.Subscript)]
    return sorted(
        {one.value for one in slices if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    )


def _bound(function: Function) -> list[str]:
    """Return the names that a function binds, in the order of their first binding."""
    arguments = function.args
    names = [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    stored = [
        (node.lineno, node.col_offset, node.id)
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return list(dict.fromkeys([*names, *(name for _, _, name in sorted(stored))]))[:_MOST_NAMES]


def _is_empty(node: ast.Return) -> bool:
    return node.value is None or is_constant(node.value, type(None))
