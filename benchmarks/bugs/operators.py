"""The mistakes that are made: each looks at one node and yields replacements of a stretch of bytes."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import Final

from benchmarks.bugs.scope import Function, Scope, Source, order_of

Change = tuple[int, int, bytes]
Operator = Callable[[ast.AST, Scope, Source], Iterator[Change]]

_COMPARISONS: Final[dict[type[ast.cmpop], tuple[bytes, bytes]]] = {
    ast.Lt: (b"<", b"<="),
    ast.LtE: (b"<=", b"<"),
    ast.Gt: (b">", b">="),
    ast.GtE: (b">=", b">"),
    ast.Eq: (b"==", b"!="),
    ast.NotEq: (b"!=", b"=="),
    ast.Is: (b"is", b"is not"),
    ast.In: (b"in", b"not in"),
}
_ARITHMETIC: Final[dict[type[ast.operator], tuple[bytes, bytes]]] = {
    ast.Add: (b"+", b"-"),
    ast.Sub: (b"-", b"+"),
    ast.Mult: (b"*", b"+"),
    ast.Div: (b"/", b"*"),
    ast.FloorDiv: (b"//", b"%"),
    ast.Mod: (b"%", b"//"),
    ast.BitAnd: (b"&", b"|"),
    ast.BitOr: (b"|", b"&"),
}
_PAIRS: Final = (
    *("lower upper", "lstrip rstrip", "startswith endswith", "find rfind", "index rindex", "split rsplit"),
    *("partition rpartition", "min max", "any all", "keys values", "append extend", "floor ceil"),
    *("isalpha isalnum", "isdigit isalpha", "islower isupper", "ljust rjust", "append appendleft"),
    *("match search", "add discard", "popleft pop", "union intersection", "issubset issuperset"),
)
_METHODS: Final = {one: other for pair in _PAIRS for one, other in (pair.split(), reversed(pair.split()))} | {
    "strip": "rstrip",
    "title": "capitalize",
    "sorted": "list",
    "fullmatch": "match",
}


def comparison(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`<` becomes `<=`, `==` becomes `!=`, `in` becomes `not in`."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, how, right in zip(sides, node.ops, sides[1:], strict=False):
            if type(how) in _COMPARISONS:
                old, new = _COMPARISONS[type(how)]
                if place := source.between(left, right, old):
                    yield (*place, new)


def arithmetic(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`+` becomes `-`, `//` becomes `%`, also in `+=`."""
    if isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in _ARITHMETIC:
        left, right = (node.left, node.right) if isinstance(node, ast.BinOp) else (node.target, node.value)
        old, new = _ARITHMETIC[type(node.op)]
        if _is_text(left) or _is_text(right):
            return
        if place := source.between(left, right, old):
            yield (*place, new)


def boolean(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`and` becomes `or`."""
    if isinstance(node, ast.BoolOp):
        old, new = (b"and", b"or") if isinstance(node.op, ast.And) else (b"or", b"and")
        if place := source.between(node.values[0], node.values[1], old):
            yield (*place, new)


def removed_not(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`not x` becomes `x`."""
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield source.start(node), source.start(node.operand), b""


def negated_condition(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`if x` becomes `if not x`."""
    if isinstance(node, ast.If | ast.IfExp) and isinstance(node.test, ast.Name | ast.Call | ast.Attribute):
        yield source.start(node.test), source.start(node.test), b"not "


def off_by_one(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """An integer becomes the next one."""
    if isinstance(node, ast.Constant) and type(node.value) is int and source.text(node).isdigit():
        up = node.value == 0 or order_of(scope.symbol, node.lineno, node.col_offset) < "8"
        new = node.value + 1 if up else node.value - 1
        yield source.start(node), source.end(node), str(new).encode()


def swapped_arguments(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """The first two arguments change places."""
    if isinstance(node, ast.Call) and len(node.args) >= 2:
        first, second = node.args[:2]
        texts = source.text(first), source.text(second)
        if texts[0] == texts[1] or any(isinstance(one, ast.Starred) for one in (first, second)):
            return
        middle = source.content[source.end(first) : source.start(second)]
        yield source.start(first), source.end(second), texts[1] + middle + texts[0]


def wrong_variable(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """A variable becomes another one of the same function."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in scope.bound:
        others = [name for name, line in scope.bound.items() if line < node.lineno and name != node.id]
        if others:
            new = min(others, key=lambda name: order_of(name, node.lineno, node.col_offset))
            yield source.start(node), source.end(node), new.encode()


def dropped_return(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`return x` becomes `return`."""
    if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
        yield source.start(node), source.end(node), b"return None"


def negated_return(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`return x` becomes `return not x` where that is a condition."""
    if isinstance(node, ast.Return) and (
        isinstance(node.value, ast.Compare | ast.BoolOp)
        or (isinstance(node.value, ast.Constant) and isinstance(node.value.value, bool))
    ):
        value = source.text(node.value)
        yield source.start(node.value), source.end(node.value), b"not (" + value + b")"


def removed_statement(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """A call, an assignment to an attribute or item, or a step of a loop is forgotten."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    is_step = isinstance(node, ast.AugAssign)
    is_store = isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Attribute | ast.Subscript)
    if is_call or is_step or is_store:
        yield source.start(node), source.end(node), b"pass"


def removed_guard(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """A case of its own is forgotten: `if …: return …`."""
    if (
        isinstance(node, ast.If)
        and not node.orelse
        and isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break)
        and len(node.body) <= 2
        and source.content[source.start(node) :].startswith(b"if")
    ):
        yield source.start(node), source.end(node), b"pass"


def break_continue(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`break` becomes `continue`."""
    if isinstance(node, ast.Break | ast.Continue):
        new = b"continue" if isinstance(node, ast.Break) else b"break"
        yield source.start(node), source.end(node), new


def slice_bound(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """A bound of a slice is forgotten, or one too far."""
    if isinstance(node, ast.Slice):
        for bound in (node.lower, node.upper):
            if isinstance(bound, ast.Constant | ast.UnaryOp):
                yield source.start(bound), source.end(bound), b""
            elif isinstance(bound, ast.Name | ast.Call):
                yield source.end(bound), source.end(bound), b" + 1"


def wrong_name(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """A method or function of the same family: `lstrip` becomes `rstrip`."""
    if isinstance(node, ast.Call):
        called = node.func
        if isinstance(called, ast.Attribute) and called.attr in _METHODS:
            end = source.end(called)
            yield end - len(called.attr), end, _METHODS[called.attr].encode()
        elif isinstance(called, ast.Name) and called.id in _METHODS:
            yield source.start(called), source.end(called), _METHODS[called.id].encode()


def wrong_key(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """`x["a"]` becomes `x["b"]`, another key of the function."""
    if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Constant):
        others = [key for key in scope.keys if key != node.slice.value]
        if isinstance(node.slice.value, str) and others:
            new = min(others, key=lambda key: order_of(key, node.lineno, node.col_offset))
            yield source.start(node.slice), source.end(node.slice), repr(new).encode()


def default_argument(node: ast.AST, scope: Scope, source: Source) -> Iterator[Change]:
    """Another default: True becomes False, a number the next one, a text the empty one."""
    if not isinstance(node, Function):
        return
    for default in (*node.args.defaults, *(one for one in node.args.kw_defaults if one)):
        if isinstance(default, ast.Constant):
            value = default.value
            if isinstance(value, bool):
                new = str(not value)
            elif isinstance(value, int):
                new = str(value + 1)
            elif isinstance(value, str):
                new = "''" if value else "' '"
            else:
                continue
            yield source.start(default), source.end(default), new.encode()


OPERATORS: Final[dict[str, Operator]] = {
    one.__name__.replace("_", "-"): one
    for one in (
        *(comparison, arithmetic, boolean, removed_not, negated_condition, off_by_one, swapped_arguments),
        *(wrong_variable, dropped_return, negated_return, removed_statement, removed_guard),
        *(break_continue, slice_bound, wrong_name, wrong_key, default_argument),
    )
}


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None
