"""A workspace that is only told of: what its words, names and files are, without a file on disk."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from dspy_agent.suggest.facts import Facts
from dspy_agent.suggest.surroundings import Surroundings

NOWHERE: Final = Path("/simulated")


@dataclass(frozen=True, slots=True)
class World:
    """``lines``: how many lines have a word; ``defined``, ``files``, ``folders``: by name."""

    around: Surroundings
    lines: Mapping[str, int] = field(default_factory=dict)
    defined: frozenset[str] = frozenset()
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()


class ToldFacts(Facts):
    """The facts of ``text`` in a world."""

    def __init__(self, text: str, world: World) -> None:
        super().__init__(text, NOWHERE, ())
        self._world = world

    @property
    def around(self) -> Surroundings:
        """The state of the world."""
        return self._world.around

    def _is_file(self, name: str) -> bool:
        return name in self._world.files

    def _is_folder(self, name: str) -> bool:
        return name in self._world.folders

    def _defined(self, names: Collection[str]) -> set[str]:
        return set(names) & self._world.defined

    def _counts(self, words: Sequence[str]) -> Mapping[str, int]:
        return {word: self._world.lines[word] for word in words if word in self._world.lines}
