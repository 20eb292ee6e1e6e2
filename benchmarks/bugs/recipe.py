"""A bug as it is kept: where it is and which tests see it, never a line of the package's own text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from benchmarks.bugs.mutate import Mutation, mutations
from benchmarks.bugs.packages import package
from benchmarks.code_search.places import Half

RECIPES: Final = Path(__file__).with_name("bugs.jsonl")


@dataclass(frozen=True, slots=True)
class Bug:
    """A mutation of a package. ``sha256``: of the mutated file. ``failing``: the tests that fail by it."""

    id: str
    package: str
    version: str
    path: str
    operator: str
    start: int
    line: int
    symbol: str
    sha256: str
    failing: tuple[str, ...]

    @property
    def half(self) -> Half:
        """Return the half of its package."""
        return package(self.package).half

    def mutation(self, content: bytes) -> Mutation:
        """Return the mutation of the package's own file.

        Raises:
            ValueError: the file or the operators are not those that the recipe was made with.
        """
        for one in mutations(content):
            if (one.operator, one.start) == (self.operator, self.start) and (
                hashlib.sha256(one.apply(content)).hexdigest() == self.sha256
            ):
                return one
        raise ValueError(f"{self.id}: {self.operator} at {self.path}:{self.line} can't be made again")


def bug_of(
    identity: str, package_name: str, path: str, one: Mutation, content: bytes, failing: Iterable[str]
) -> Bug:
    """Return the recipe of a mutation."""
    digest = hashlib.sha256(one.apply(content)).hexdigest()
    where = (package_name, package(package_name).version, path)
    return Bug(identity, *where, one.operator, one.start, one.line, one.symbol, digest, tuple(failing))


def load(path: Path = RECIPES) -> list[Bug]:
    """Read the recipes."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    rows = [json.loads(line) for line in lines]
    return [Bug(**{**row, "failing": tuple(row["failing"])}) for row in rows]


def save(bugs: Iterable[Bug], path: Path = RECIPES) -> None:
    """Write the recipes."""
    lines = [json.dumps(asdict(bug), ensure_ascii=False) + "\n" for bug in bugs]
    path.write_text("".join(lines), encoding="utf-8")
