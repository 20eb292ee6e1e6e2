"""What a task's earlier steps showed, and what of it was not opened yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

OPENS: Final = ("extract", "codectx")
FINDS: Final = ("intel", "esearch", "grep", "ctx", "vretr")


@dataclass(frozen=True, slots=True)
class Seen:
    """A step that was taken: its words, whether it found something, and the first symbols and files in it."""

    words: tuple[str, ...]
    found: bool
    symbols: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()

    @property
    def tool(self) -> str:
        """The tool's name."""
        return self.words[0]


def showed(seen: Sequence[Seen]) -> Seen | None:
    """Return the last step that found places."""
    return next((step for step in reversed(seen) if step.found and step.tool in FINDS), None)


def ran(seen: Sequence[Seen], tool: str) -> bool:
    """Return whether ``tool`` was used."""
    return any(step.tool == tool for step in seen)


def worked(seen: Sequence[Seen], tool: str) -> bool:
    """Return whether the last use of ``tool`` found or did something."""
    return next((step.found for step in reversed(seen) if step.tool == tool), False)
