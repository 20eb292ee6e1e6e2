"""Makes the bugs: tries mutations in an order of chance and keeps those that a few named tests see."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from benchmarks.bugs.copies import clean_copy
from benchmarks.bugs.mutate import Mutation, is_bug, mutations
from benchmarks.bugs.packages import Package
from benchmarks.bugs.recipe import Bug, bug_of
from benchmarks.bugs.scope import order_of
from benchmarks.bugs.suite import run_suite
from benchmarks.code_search.places import is_test

_MOST_FAILING: Final = 10
_SPARE_SECONDS: Final = 20.0
_TRIAL: Final = 0.4  # what a trial of an operator weighs beside a bug that was kept
Candidate = tuple[str, Mutation]


def make(
    one: Package, wanted: int, kept: Counter[str], trials: int, tell: Callable[[str], None]
) -> list[Bug]:
    """Return up to ``wanted`` bugs of a package.

    Args:
        one: the package.
        wanted: how many.
        kept: by operator, over all packages; is counted up.
        trials: after so many mutations it ends with what it has.
        tell: is told of each trial.
    """
    bugs: list[Bug] = []
    with clean_copy(one) as folder:
        before = run_suite(folder, seconds=300)
        if before.failed or not before.ended:
            raise ValueError(f"{one.name}: its own suite fails: {before.output[-500:]}")
        limit = 3 * before.seconds + _SPARE_SECONDS
        tell(f"{one.name}: {len(before.passed)} tests in {before.seconds:.1f} s")
        for number, (path, mutation) in enumerate(_candidates(folder, one, kept, bugs)):
            if len(bugs) == wanted or number == trials:
                break
            file = folder / path
            content = file.read_bytes()
            failing = _failing(folder, file, mutation, before.passed, limit)
            file.write_bytes(content)
            tell(f"  {mutation.operator} {path}:{mutation.line} {mutation.symbol}: {len(failing)}")
            if failing:
                identity = f"{one.name}-{len(bugs) + 1}"
                bugs.append(bug_of(identity, one.name, path, mutation, content, sorted(failing)))
                kept[mutation.operator] += 1
    return bugs


def _failing(
    folder: Path, file: Path, mutation: Mutation, passed: frozenset[str], limit: float
) -> frozenset[str]:
    """Return the tests of ``passed`` that fail by the mutation, twice; none if it is not of use."""
    content = file.read_bytes()
    if not is_bug(content, mutation):
        return frozenset()
    file.write_bytes(mutation.apply(content))
    near = _near(folder, mutation, passed)
    if not near or not run_suite(folder, seconds=limit, tests=near, most=1).failed:
        return frozenset()
    after = run_suite(folder, seconds=limit, most=_MOST_FAILING + 1)
    if not after.ended or not 1 <= len(after.failed) <= _MOST_FAILING:
        return frozenset()
    again = run_suite(folder, seconds=limit, tests=sorted(after.failed))
    return after.failed if again.failed == after.failed and after.failed <= passed else frozenset()


def _near(folder: Path, mutation: Mutation, tests: frozenset[str]) -> list[str]:
    """Return the files of tests that name the function: a mutation that these don't see is soon dropped."""
    names = [part for part in mutation.symbol.split(".") if not part.startswith("__")]
    if not names:
        return []
    word = re.compile(rf"\b{re.escape(names[-1])}\b")
    files = sorted({test.partition("::")[0] for test in tests})
    return [
        path for path in files if word.search((folder / path).read_text(encoding="utf-8", errors="replace"))
    ]


def _candidates(folder: Path, one: Package, kept: Counter[str], bugs: list[Bug]) -> Iterator[Candidate]:
    """Yield mutations of functions without a bug; the operator that was used least comes first."""
    by_operator: dict[str, list[Candidate]] = {}
    for file in sorted((folder / one.code).rglob("*.py")):
        path = file.relative_to(folder).as_posix()
        if not is_test(path):
            for mutation in mutations(file.read_bytes()):
                by_operator.setdefault(mutation.operator, []).append((path, mutation))
    for operator, found in by_operator.items():
        found.sort(key=lambda each: order_of(one.name, operator, each[0], each[1].start), reverse=True)
    tried: Counter[str] = Counter()
    while any(by_operator.values()):
        left = [name for name, found in by_operator.items() if found]
        operator = min(left, key=lambda name: (kept[name] + _TRIAL * tried[name], order_of(one.name, name)))
        path, mutation = by_operator[operator].pop()
        if (path, mutation.symbol) not in {(bug.path, bug.symbol) for bug in bugs}:
            tried[operator] += 1
            yield path, mutation
