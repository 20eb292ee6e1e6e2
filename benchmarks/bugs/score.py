"""What counts: the right function among the first that a system names, and a suite that passes again."""

from __future__ import annotations

import ast
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.bugs.recipe import Bug
from benchmarks.bugs.scope import Scope, Source
from benchmarks.bugs.suite import run_suite
from benchmarks.bugs.systems.base import Place
from benchmarks.code_search.places import is_test


@dataclass(frozen=True, slots=True)
class Verdict:
    """``parses``: a change, all of it Python. ``mended``: the failing tests pass, nothing else fails."""

    changed: bool
    parses: bool
    mended: bool


def rank(bug: Bug, located: Sequence[Place], folder: Path) -> int | None:
    """Return the place of the bug's function, from 1; a class or file around it does not count."""
    scope = next(
        one for one in _scopes(folder / bug.path) if one.symbol == bug.symbol and _holds(one, bug.line)
    )
    for number, place in enumerate(located, 1):
        if (
            place.path == bug.path
            and place.line <= bug.line <= place.end_line
            and scope.first_line <= place.line
            and place.end_line <= scope.last_line
        ):
            return number
    return None


def judge(bug: Bug, changes: Mapping[str, bytes], folder: Path, seconds: float) -> Verdict:
    """Put the changes into ``folder``, a copy with the bug, and run its suite; changed tests don't count."""
    counted = {path: content for path, content in changes.items() if not is_test(path)}
    if not counted:
        return Verdict(False, False, False)
    if not all(_parses(path, content) for path, content in counted.items()):
        return Verdict(True, False, False)
    root = folder.resolve()
    for path, content in counted.items():
        file = (root / path).resolve()
        if not file.is_relative_to(root):
            return Verdict(True, True, False)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)
    after = run_suite(folder, seconds=seconds)
    return Verdict(True, True, after.ended and not after.failed and after.passed.issuperset(bug.failing))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Return the 95 % interval of a share."""
    if not of:
        return 0.0, 1.0
    z, share = 1.96, hits / of
    middle = (share + z * z / (2 * of)) / (1 + z * z / of)
    half = z * math.sqrt(share * (1 - share) / of + z * z / (4 * of * of)) / (1 + z * z / of)
    return max(0.0, middle - half), min(1.0, middle + half)


def _scopes(file: Path) -> list[Scope]:
    return list(Source(file.read_bytes()).functions())


def _holds(scope: Scope, line: int) -> bool:
    return scope.first_line <= line <= scope.last_line


def _parses(path: str, content: bytes) -> bool:
    try:
        ast.parse(content)
    except (SyntaxError, ValueError):
        return not path.endswith(".py")
    return True
