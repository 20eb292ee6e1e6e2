"""Code that a function may lack, made of what its file has: what is returned, a case of its own, a statement.

What mends a bug is often there already, elsewhere in the file (E. Barr et al., "The plastic surgery
hypothesis", FSE 2014). The templates are those for missing code of K. Liu et al., "TBar: revisiting
template-based program repair", ISSTA 2019.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, permutations
from typing import Final, NamedTuple

from dspy_agent.edits.node_places import NodePlaces, is_constant

Function = ast.FunctionDef | ast.AsyncFunctionDef

_BUILTINS: Final = frozenset(dir(builtins))
_THIS: Final = frozenset({"self", "cls"})
_JUMPS: Final = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_LONGEST: Final = 300  # characters of a piece
_MOST_NAMES, _MOST_OF_EACH, _MOST_COMPOSED = 8, 16, 12
_MOST_COMPARED: Final = 4
_MOST_CONDITIONS, _MOST_JUMPS = 100, 16
# How many ranks behind is what stands in the function, in its class, in its file.
_NEAR: Final = (0.0, 2.0, 4.0)
_FAR: Final = 5.0
_STEP: Final = 0.25
_TESTS: Final = ("{name} is None", "not {name}", "{name}", "{name} < 0", "{name} <= 0", "{name} == 1")


class Piece(NamedTuple):
    """Code on lines of its own, without indentation, and how many ranks it is behind the likeliest.

    ``guessed``: no code near says that it belongs there.
    """

    text: str
    cost: float
    guessed: bool = False


@dataclass(frozen=True, slots=True)
class _Found:
    """A node of the file: its text, the names it reads, and the function that it is of."""

    text: str
    reads: frozenset[str]
    function: Function


@dataclass(frozen=True, slots=True)
class Pieces:
    """What could be put into one function.

    ``names`` are those that it binds, ``returned`` expressions, ``guards`` cases of their own that the file
    has; others can be made of ``conditions`` and ``jumps``.
    """

    names: tuple[Piece, ...]
    returned: tuple[Piece, ...]
    guards: tuple[Piece, ...]
    conditions: tuple[Piece, ...]
    jumps: tuple[Piece, ...]
    statements: tuple[Piece, ...]

    def conditions_of(self, names: Iterable[str]) -> list[Piece]:
        """Return conditions about ``names``, such as a loop gives; some tell of another name elsewhere."""
        found = [
            Piece(test.format(name=name), _STEP * at) for name in names for at, test in enumerate(_TESTS)
        ]
        for one in self.conditions:
            for name in names:
                for other in self.names:
                    text = re.sub(rf"(?<![\w.]){other.text}\b", name, one.text)
                    if text != one.text:
                        found.append(Piece(text, _STEP + one.cost))
        return list(_cheapest(found, _MOST_CONDITIONS))


class Ingredients:
    """The pieces of one file."""

    def __init__(self, tree: ast.Module, place: NodePlaces) -> None:
        self._place = place
        self._classes: dict[Function, ast.ClassDef | None] = {}
        self._around: dict[Function, frozenset[str]] = {}
        self._module = frozenset(_names_of(tree.body))
        self._returned: list[_Found] = []
        self._guards: list[_Found] = []
        self._conditions: list[_Found] = []
        self._raised: list[_Found] = []
        self._exceptions: set[str] = set()
        self._kinds: set[str] = set()
        self._statements: list[_Found] = []
        self._counters: list[_Found] = []
        self._collect(tree)
        self._simple = [one.name for one in tree.body if isinstance(one, Function) and _takes_one(one)]
        for function in self._classes:
            self._take(function)

    def for_function(self, function: Function) -> Pieces:
        """Return what could be put into ``function``: only what reads names that it has."""
        own = self._around[function]
        names = _ranked(sorted(_parameters(function)) or sorted(_bound(function)))
        returned = self._near(function, self._returned, own, anything=True)
        raised = self._near(function, self._raised, own, anything=True)
        jumps = [*raised, *(Piece(f"return {one.text}", one.cost) for one in (*names, *returned))]
        jumps += _ranked(("return", "return False", "return True", "return []", "return ''", "return 0"))
        jumps += [Piece(f"raise {name}", _FAR) for name in sorted(self._exceptions)]
        tests = [
            Piece(test.format(name=name.text), 4 * _STEP * number + name.cost)
            for number, test in enumerate(_TESTS)
            for name in names
        ]
        tests += [
            Piece(f"{one.text} {sign} {other.text}", _FAR + one.cost + other.cost)
            for one, other in permutations(names[:_MOST_COMPARED], 2)
            for sign in (">", ">=", "==", "!=")
        ]
        tests += [
            Piece(f"isinstance({name.text}, {kind})", _FAR + name.cost)
            for kind in sorted(self._kinds)
            for name in names
        ]
        return Pieces(
            _ranked(sorted(_bound(function))),
            (*returned, *self._composed(function)),
            self._near(function, self._guards, own, guesses=False),
            _cheapest([*tests, *self._near(function, self._conditions, own)], _MOST_CONDITIONS),
            _cheapest(jumps, _MOST_JUMPS),
            (
                *self._near(function, self._statements, own),
                *self._begun(function),
                *(one._replace(guessed=True) for one in self._near(function, self._counters, own)),
            ),
        )

    def _begun(self, function: Function) -> Iterator[Piece]:
        """Yield what a constructor may forget: what the class reads, and nothing in it stores."""
        owner = self._classes[function]
        if owner is None or function.name != "__init__" or not function.args.args:
            return
        this = function.args.args[0].arg
        attributes = [one for one in ast.walk(owner) if isinstance(one, ast.Attribute) and _is_of(this, one)]
        stores = {one.attr for one in attributes if isinstance(one.ctx, ast.Store)}
        reads = {one.attr for one in attributes if isinstance(one.ctx, ast.Load)}
        for name in sorted(reads - stores - set(_names_of(owner.body)))[:_MOST_NAMES]:
            for number, value in enumerate(("None", "[]", "{}", "set()", "0", "''", "False", "True")):
                yield Piece(f"{this}.{name} = {value}", _STEP * number, True)

    def _composed(self, function: Function) -> Iterator[Piece]:
        """Yield calls of the module's functions of one argument, and of two of them in a row."""
        named = [one.arg for one in function.args.args if one.arg not in _THIS][:1]
        others = [name for name in self._simple if name != function.name][:_MOST_COMPOSED]
        for name in named:
            yield from (Piece(f"{outer}({name})", _NEAR[1], True) for outer in others)
            for outer, inner in permutations(others, 2):
                yield Piece(f"{outer}({inner}({name}))", _NEAR[2], True)

    def _collect(self, tree: ast.Module) -> None:
        none: frozenset[str] = frozenset()
        waiting: list[tuple[ast.AST, ast.ClassDef | None, frozenset[str]]] = [(tree, None, none)]
        while waiting:
            node, owner, around = waiting.pop()
            for child in ast.iter_child_nodes(node):
                if isinstance(child, Function):
                    names = self._around[child] = around | _bound(child)
                    self._classes[child] = owner
                    waiting.append((child, owner, names))
                elif not isinstance(child, ast.expr):
                    waiting.append((child, child if isinstance(child, ast.ClassDef) else owner, around))

    def _take(self, function: Function) -> None:
        for node in _own_nodes(function):
            if (
                isinstance(node, ast.Return)
                and node.value is not None
                and not is_constant(node.value, type(None))
            ):
                self._add(self._returned, node.value, function)
            elif isinstance(node, ast.Raise) and node.exc is not None:
                self._add(self._raised, node, function)
                called = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
                if isinstance(called, ast.Name) and called.id in self._module | _BUILTINS:
                    self._exceptions.add(called.id)
            elif isinstance(node, ast.If | ast.While | ast.IfExp):
                self._add(self._conditions, node.test, function)
                if isinstance(node, ast.If) and not node.orelse and isinstance(node.body[-1], _JUMPS):
                    self._add(self._guards, node, function)
            elif isinstance(node, ast.Call) and _is_isinstance(node):
                self._kinds.add(ast.unparse(node.args[1]))
            elif isinstance(node, ast.stmt) and _is_simple(node):
                self._add(self._statements, node, function)
            self._counters += _counted(node, function)

    def _add(self, to: list[_Found], node: ast.expr | ast.stmt, function: Function) -> None:
        text = self._place.code(node)
        if text and len(text) <= _LONGEST:
            to.append(_Found(text, _reads(node), function))

    def _near(
        self,
        function: Function,
        found: Iterable[_Found],
        own: frozenset[str],
        *,
        anything: bool = False,
        guesses: bool = True,
    ) -> tuple[Piece, ...]:
        """Return the pieces that can stand in ``function``, the nearest first, each once.

        Args:
            function: which one.
            found: whose pieces.
            own: the names that are the function's, not the module's.
            anything: also what reads none of these.
            guesses: what is of other functions is guessed.
        """
        known = own | self._module | _BUILTINS
        kept: dict[str, Piece] = {}
        counts = [0, 0, 0]
        for one in sorted(found, key=lambda one: self._distance(function, one.function)):
            distance = self._distance(function, one.function)
            if one.text in kept or not one.reads <= known or not (anything or one.reads & own):
                continue
            if one.reads & _THIS and self._classes[one.function] is not self._classes[function]:
                continue
            if counts[distance] < _MOST_OF_EACH:
                cost = _NEAR[distance] + _STEP * counts[distance]
                kept[one.text] = Piece(one.text, cost, guesses and distance > 0)
                counts[distance] += 1
        return tuple(kept.values())

    def _distance(self, function: Function, other: Function) -> int:
        if function is other:
            return 0
        owner = self._classes[function]
        return 1 if owner is not None and owner is self._classes[other] else 2


def stored(function: Function) -> Iterator[Piece]:
    """Yield what a constructor may forget: to keep a parameter."""
    if function.name == "__init__" and function.args.args:
        this, kept = function.args.args[0].arg, _reads(*function.body)
        for name in sorted(_parameters(function) - {this} - kept):
            yield Piece(f"{this}.{name} = {name}", 0.0)
            yield Piece(f"{this}._{name} = {name}", 0.0)


def steps(loop: ast.While) -> Iterator[Piece]:
    """Yield what a loop may forget at its end: to count."""
    for name in sorted(_reads(loop.test) - _BUILTINS):
        yield Piece(f"{name} += 1", 0.0, True)
        yield Piece(f"{name} -= 1", 0.0, True)


def collected(function: Function, loop: ast.For | ast.AsyncFor | ast.While) -> Iterator[Piece]:
    """Yield what a loop may forget: to keep what it found."""
    lists = [
        target.id
        for node in _own_nodes(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.List) and not node.value.elts
        for target in node.targets
        if isinstance(target, ast.Name)
    ]
    inside = [node.id for node in ast.walk(loop) if isinstance(node, ast.Name) and _is_stored(node)]
    for name in lists:
        for number, value in enumerate(islice(dict.fromkeys(reversed(inside)), 4)):
            if value != name:
                yield Piece(f"{name}.append({value})", float(number), True)


def _cheapest(pieces: Iterable[Piece], most: int) -> tuple[Piece, ...]:
    once = {one.text: one for one in sorted(pieces, key=lambda one: -one.cost)}
    return tuple(sorted(once.values(), key=lambda one: one.cost)[:most])


def _own_nodes(function: Function) -> Iterator[ast.AST]:
    """Yield the nodes of a function's body without those of functions and classes in it."""
    waiting: list[ast.AST] = list(reversed(function.body))
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            waiting.extend(reversed(list(ast.iter_child_nodes(node))))


def _counted(node: ast.AST, function: Function) -> Iterator[_Found]:
    """Yield what counts what ``node`` takes for a number."""
    found: list[ast.expr] = []
    if isinstance(node, ast.Assign) and is_constant(node.value, int):
        found = node.targets
    elif isinstance(node, ast.BinOp):
        found = [node.left, node.right]
    elif isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Lt | ast.LtE | ast.Gt | ast.GtE):
        found = [node.left, *node.comparators]
    for one in found:
        if isinstance(one, ast.Name) or (isinstance(one, ast.Attribute) and isinstance(one.value, ast.Name)):
            names = frozenset(name.id for name in ast.walk(one) if isinstance(name, ast.Name))
            for sign in "+-":
                yield _Found(f"{ast.unparse(one)} {sign}= 1", names, function)


def _is_of(this: str, node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == this


def _takes_one(function: Function) -> bool:
    """Return whether it can be called with one argument."""
    arguments = function.args
    positional = len(arguments.posonlyargs) + len(arguments.args)
    return positional - len(arguments.defaults) <= 1 <= positional and None not in arguments.kw_defaults


def _ranked(names: Iterable[str]) -> tuple[Piece, ...]:
    return tuple(Piece(name, _STEP * number) for number, name in enumerate(islice(names, _MOST_NAMES)))


def _is_isinstance(node: ast.Call) -> bool:
    """Return whether it tests for classes that a module names."""
    named = isinstance(node.func, ast.Name) and node.func.id == "isinstance" and len(node.args) == 2
    return named and isinstance(node.args[1], ast.Name | ast.Tuple)


def _is_simple(node: ast.stmt) -> bool:
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    return isinstance(node, ast.Assign | ast.AugAssign | ast.Delete)


def _parameters(function: Function) -> frozenset[str]:
    arguments = function.args
    names = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names += [one for one in (arguments.vararg, arguments.kwarg) if one is not None]
    return frozenset(one.arg for one in names) - _THIS


def _bound(function: Function) -> frozenset[str]:
    """Return the names that a function binds."""
    stores = {node.id for node in _own_nodes(function) if isinstance(node, ast.Name) and _is_stored(node)}
    this = {one.arg for one in function.args.args[:1]} & _THIS
    return _parameters(function) | stores | this | frozenset(_names_of(function.body))


def _names_of(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield the names that statements of a module or function define, import and assign."""
    for statement in body:
        for node in (
            ast.walk(statement) if not isinstance(statement, Function | ast.ClassDef) else [statement]
        ):
            if isinstance(node, Function | ast.ClassDef):
                yield node.name
            elif isinstance(node, ast.alias):
                yield (node.asname or node.name).partition(".")[0]
            elif isinstance(node, ast.Name) and _is_stored(node):
                yield node.id


def _reads(*nodes: ast.AST) -> frozenset[str]:
    """Return the names that nodes read and do not bind within comprehensions."""
    names = [node for one in nodes for node in ast.walk(one) if isinstance(node, ast.Name)]
    inner = {
        name.id
        for one in nodes
        for part in ast.walk(one)
        if isinstance(part, ast.comprehension)
        for name in ast.walk(part.target)
        if isinstance(name, ast.Name)
    }
    inner |= {arg.arg for one in nodes for arg in ast.walk(one) if isinstance(arg, ast.arg)}
    return frozenset(name.id for name in names if not _is_stored(name)) - inner


def _is_stored(node: ast.Name) -> bool:
    return isinstance(node.ctx, ast.Store)
