"""What a task's earlier steps showed, and which step follows from that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_OPENS: Final = ("extract", "codectx")
_FINDS: Final = ("intel", "esearch", "grep", "ctx", "vretr")


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


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A step that follows: its words, how strongly, and why."""

    words: tuple[str, ...]
    weight: float
    because: str


def follow_ups(seen: Sequence[Seen], changes: frozenset[str]) -> Iterator[FollowUp]:
    """Yield what follows from ``seen``; ``changes`` are the kinds of change that the task asks for."""
    if not seen:
        return
    taken = {step.words for step in seen}
    opened = [step for step in seen if step.found and step.tool in _OPENS]
    for step in reversed(seen):
        if step.found and step.tool in _FINDS:
            for words, name in _opening(step):
                if words not in taken:
                    yield FollowUp(words, 2.6 - len(opened), f"{step.tool} showed {name}")
                    break
            break
    yield from _changes(seen, changes)
    found = sum(step.found for step in seen)
    if found and not (changes - {"run", "apply"}):
        yield FollowUp(("answer",), 0.4 + 1.1 * found, f"{found} of {len(seen)} steps found something")


def _opening(step: Seen) -> Iterator[tuple[tuple[str, ...], str]]:
    for symbol in step.symbols:
        yield ("extract", symbol), symbol
    for path in step.paths:
        yield ("codectx", path), path


def _changes(seen: Sequence[Seen], changes: frozenset[str]) -> Iterator[FollowUp]:
    ran = {step.tool: step.found for step in seen}
    if "edit" in changes and "edit" not in ran:
        yield FollowUp(("edit",), 2.2, "your task asks for a change")
    if ran.get("edit") and "apply" not in ran:
        yield FollowUp(("apply",), 3.5, "a change is proposed")
    if "undo" in changes and "undo" not in ran:
        yield FollowUp(("undo",), 3.5, "your task asks to undo")
    if ran.get("apply") or ran.get("undo") or ("edit" in ran and not ran["edit"]):
        yield FollowUp(("answer",), 4.0, "the change is done or failed")
