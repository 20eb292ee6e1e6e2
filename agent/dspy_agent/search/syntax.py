"""The syntax tree of a line pattern, and what both engines ask of it."""

from __future__ import annotations

from dataclasses import dataclass

from dspy_agent.search.chars import Ranges


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of ``ranges``; none if they are empty."""

    ranges: Ranges


@dataclass(frozen=True, slots=True)
class Look:
    r"""A place between characters.

    ``kind``: ``^`` ``$`` line start and end; ``b`` ``B`` word boundary or not; ``<`` ``>`` word start and
    end; ``start-half`` no word character before; ``end-half`` none after.
    """

    kind: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """``items`` one after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """One of ``branches``."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """``item`` at least ``low`` and at most ``high`` times (None: without end)."""

    item: Node
    low: int
    high: int | None


Node = Chars | Look | Sequence | Choice | Repeat


def size(node: Node) -> int:
    """Return the number of characters and places in ``node`` once its repeats are written out."""
    match node:
        case Sequence(items) | Choice(items):
            return 1 + sum(map(size, items))
        case Repeat(item, low, high):
            return 1 + size(item) * max(low if high is None else high, 1)
        case _:
            return 1


@dataclass(frozen=True, slots=True)
class Cost:
    """What backtracking over a pattern may cost: ``weight`` * line length ** ``loops`` steps a character.

    ``weight`` is None where no such bound holds, as with a repeat inside a repeat.
    """

    weight: int | None
    loops: int

    def allows(self, longest_line: int) -> bool:
        """Say whether lines of that length can be searched by backtracking."""
        return self.weight is not None and self.weight * longest_line**self.loops <= 20_000


def backtracking_cost(node: Node) -> Cost:
    """Return what backtracking over ``node`` may cost at most."""
    return _cost(node, ends=True)


def _cost(node: Node, *, ends: bool) -> Cost:
    match node:
        case Sequence(items):
            return _sequence_cost(items, ends)
        case Choice(branches):
            costs = [_cost(branch, ends=ends) for branch in branches]
            return _product([*costs, Cost(len(branches), 0)])
        case Repeat(item, low, high):
            if high is not None and high <= 1:
                return _product([_cost(item, ends=ends), Cost(2, 0)])
            if not _is_fixed(item):
                return Cost(None, 0)
            return Cost(1, 0 if high is not None and high == low else 1)
        case _:
            return Cost(1, 0)


def _sequence_cost(items: tuple[Node, ...], ends: bool) -> Cost:
    costs, simple_loops = [], 0
    for number, item in enumerate(items, 1):
        following = items[number] if number < len(items) else None
        if _ends_by_itself(item, following, ends):
            simple_loops = 1  # one after the other: their lengths add up
        else:
            costs.append(_cost(item, ends=ends and following is None))
    return _product([*costs, Cost(1, simple_loops)])


def _ends_by_itself(item: Node, following: Node | None, ends: bool) -> bool:
    """Say whether the repeat ``item`` can end at one place only, so that no other is worth a try."""
    if not isinstance(item, Repeat) or not isinstance(item.item, Chars):
        return False
    if following is None:
        return ends
    if isinstance(following, Repeat) and following.low > 0:
        following = following.item
    return isinstance(following, Chars) and not any(
        low <= other_high and other_low <= high
        for low, high in item.item.ranges
        for other_low, other_high in following.ranges
    )


def _product(costs: list[Cost]) -> Cost:
    weight = 1
    for cost in costs:
        if cost.weight is None:
            return cost
        weight *= cost.weight
    return Cost(weight, sum(cost.loops for cost in costs))


def _is_fixed(node: Node) -> bool:
    return isinstance(node, Chars) or (
        isinstance(node, Sequence) and bool(node.items) and all(isinstance(i, Chars) for i in node.items)
    )


def required_text(node: Node, *, ascii_only: bool) -> str:
    """Return the longest text, in lower case, that every match must hold in some case; "" if unknown.

    With ``ascii_only`` the text searched has no other characters, so that ``k`` needs no Kelvin sign.
    """
    items = node.items if isinstance(node, Sequence) else (node,)
    best = run = ""
    for item in items:
        char = _only_letter(item, ascii_only) if isinstance(item, Chars) else ""
        run = run + char if char else ""
        best = max(best, run, key=len)
        if isinstance(item, Sequence) or (isinstance(item, Repeat) and item.low > 0):
            inner = item.item if isinstance(item, Repeat) else item
            best = max(best, required_text(inner, ascii_only=ascii_only), key=len)
    return best


def _only_letter(node: Chars, ascii_only: bool) -> str:
    """Return the letter, in lower case, that ``node`` stands for if it is one ASCII letter in either case."""
    codes: list[int] = []
    for low, high in node.ranges:
        if ascii_only and low > 127:
            break
        if high - low > 1:
            return ""
        codes += range(low, high + 1)
    letters = {chr(code).lower() for code in codes}
    return letters.pop() if len(letters) == 1 and codes[-1] < 128 else ""
