"""What a system returns, and the files that it may see as the package's own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from benchmarks.bugs.tasks import Task
from benchmarks.code_search.places import is_test


@dataclass(frozen=True, slots=True)
class Place:
    """A stretch of lines that a system would change."""

    path: str
    line: int
    end_line: int


@dataclass(frozen=True, slots=True)
class Answer:
    """``located``: best first. ``changes``: whole new files. ``calls``: of the model."""

    located: tuple[Place, ...] = ()
    changes: Mapping[str, bytes] = field(default_factory=dict)
    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    note: str = ""


class System(Protocol):
    """Something that mends bugs, or only says where they are."""

    name: str
    mends: bool

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Return what it would do; it may change ``folder``, which is thrown away."""
        ...


def own_files(folder: Path, code: str) -> Iterator[Path]:
    """Yield the Python files of the package that are no tests."""
    for file in sorted((folder / code).rglob("*.py")):
        if not is_test(file.relative_to(folder).as_posix()):
            yield file
