"""Lists the mutations of a module: each changes one stretch of one function."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.bugs.operators import OPERATORS
from benchmarks.bugs.scope import Source


@dataclass(frozen=True, slots=True)
class Mutation:
    """Bytes ``start`` to ``end``, in ``line`` and the outermost function ``symbol``, become ``new``."""

    operator: str
    start: int
    end: int
    new: bytes
    line: int
    symbol: str

    def apply(self, content: bytes) -> bytes:
        """Return the module with the bug."""
        return content[: self.start] + self.new + content[self.end :]


def mutations(content: bytes) -> Iterator[Mutation]:
    """Yield what may be done to a module, at most once for each operator and place; see ``is_bug``."""
    source = Source(content)
    seen: set[tuple[str, int]] = set()
    for scope in source.functions():
        for node in scope.nodes:
            for name, operator in OPERATORS.items():
                for start, end, new in operator(node, scope, source):
                    if (name, start) not in seen:
                        seen.add((name, start))
                        yield Mutation(name, start, end, new, source.line(start), scope.symbol)


def is_bug(content: bytes, mutation: Mutation) -> bool:
    """Tell whether the module still parses with the mutation, and to something else."""
    try:
        tree = ast.parse(mutation.apply(content))
    except SyntaxError:
        return False
    return ast.dump(tree) != ast.dump(ast.parse(content))
