"""What may be missing in a function: a case of its own, a statement, a return."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from dspy_agent.edits.ingredients import Function, Piece, Pieces, collected, steps, stored
from dspy_agent.edits.node_places import Change, NodePlaces, is_constant

Loop = ast.For | ast.AsyncFor | ast.While

_ENDS: Final = (ast.Return, ast.Raise, ast.Continue, ast.Break)
_OF_LOOPS: Final = ("continue", "break")
# How many ranks these are behind a change of one token.
_RETURN, _CASE, _STATEMENT = 1.0, 3.0, 5.0


def additions(
    function: Function, place: NodePlaces, pieces: Pieces, run: Collection[int]
) -> Iterator[Change]:
    """Yield what may be missing beside the statements of ``function`` whose lines were ``run``."""
    for block, loop in _blocks(function):
        conditions = _conditions(loop, pieces)
        for number, node in enumerate(block):
            indent = place.indent(node)
            if indent is None or (number == 0 and _is_text(node)):
                continue
            if node.lineno in run:
                yield from _before(node, loop, conditions, pieces, place, indent)
            if node is block[-1] and not isinstance(node, _ENDS):
                at = place.end(node)
                for piece in _behind(function, block, loop, pieces):
                    yield Change(node, at, at, place.behind(piece.text, indent), piece.cost, piece.guessed)
                if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
                    yield Change(node, place.start(node), place.start(node), "return ", 0.0)


def _conditions(loop: Loop | None, pieces: Pieces) -> list[Piece]:
    if not isinstance(loop, ast.For | ast.AsyncFor):
        return list(pieces.conditions)
    targets = [one.id for one in ast.walk(loop.target) if isinstance(one, ast.Name)]
    return [*pieces.conditions_of(targets), *pieces.conditions]


def _before(
    node: ast.stmt,
    loop: Loop | None,
    conditions: list[Piece],
    pieces: Pieces,
    place: NodePlaces,
    indent: str,
) -> Iterator[Change]:
    at = place.start(node)
    cases = [one for one in pieces.guards if loop is not None or not one.text.endswith(_OF_LOOPS)]
    for word in _OF_LOOPS if loop is not None else ():
        cases += [Piece(_case(one.text, word, place.unit), one.cost, True) for one in conditions]
    for piece in (*_plus(_CASE, cases), *_plus(_STATEMENT, pieces.statements)):
        yield Change(node, at, at, place.before(piece.text, indent), piece.cost, piece.guessed)
    for jump in pieces.jumps:
        real = tuple(place.before(_case(one.text, jump.text, place.unit), indent) for one in conditions)
        asked = place.before(_case("True", jump.text, place.unit), indent)
        yield Change(node, at, at, asked, _CASE + jump.cost, True, real)


def _behind(function: Function, block: list[ast.stmt], loop: Loop | None, pieces: Pieces) -> Iterator[Piece]:
    """Yield what may be missing at the end of ``block``."""
    yield from _plus(_STATEMENT, pieces.statements)
    if block is function.body:
        yield from _plus(_RETURN, stored(function))
        returned = (*pieces.returned, *pieces.names)
        yield from _plus(_RETURN, (one._replace(text=f"return {one.text}") for one in returned))
    if isinstance(loop, ast.While):
        yield from _plus(_CASE, steps(loop))
    if loop is not None:
        yield from _plus(_CASE, collected(function, loop))


def _plus(cost: float, pieces: Iterable[Piece]) -> list[Piece]:
    return [one._replace(cost=one.cost + cost) for one in pieces]


def _case(condition: str, jump: str, unit: str) -> str:
    return f"if {condition}:\n{unit}{jump}"


def _blocks(function: Function) -> Iterator[tuple[list[ast.stmt], Loop | None]]:
    """Yield the lists of statements of a function, without those of functions in it, and the loop around."""
    waiting: list[tuple[ast.AST, Loop | None]] = [(function, None)]
    while waiting:
        node, loop = waiting.pop()
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list) and block:
                around = node if isinstance(node, Loop) and name == "body" else loop
                yield block, around
                waiting += [(one, around) for one in block if not isinstance(one, Function | ast.ClassDef)]
        waiting += [(one, loop) for one in (*getattr(node, "handlers", ()), *getattr(node, "cases", ()))]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and is_constant(node.value, str)
