"""What ``plan`` answers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

Action = Literal["read", "search", "edit", "test", "run"]
Risk = Literal["low", "medium", "high"]
ACTIONS: Final[tuple[Action, ...]] = get_args(Action)
RISKS: Final[tuple[Risk, ...]] = get_args(Risk)


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``path`` and ``command`` are empty where they don't apply; ``new``: the file is yet to be."""

    action: Action
    path: str
    command: str
    risk: Risk
    check: str
    new: bool | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """Answer of ``plan``. ``notes`` say what the checks mended or left out. False if no step is left."""

    summary: str
    steps: list[Step]
    next: str
    notes: list[str] | None = None
    evidence: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.steps)
