"""Parses Python without a word about its style."""

from __future__ import annotations

import ast
import warnings


def parse(text: str) -> ast.Module | None:
    """Return the syntax tree of ``text``; None if it can't be parsed, also where the parser gives up."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.encode("utf-8", "replace").decode())
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def same_code(one: str, other: str) -> bool:
    """Return whether two texts are the same code, comments and layout aside."""
    trees = parse(one), parse(other)
    return None not in trees and len({ast.dump(tree) for tree in trees if tree is not None}) == 1
