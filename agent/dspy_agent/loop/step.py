"""What a conversation is made of: steps, and what came of it all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Step:
    """One step. ``chosen`` is what the model took, ``suggested`` what the policy would have.

    ``ran`` is False where it was not approved; ``note`` says how it ended, in a few words. ``overhead_ms``:
    all but the model's time and the tool's.
    """

    number: int
    suggested: str | None
    chosen: str
    arguments: Mapping[str, Any]
    command: str
    ran: bool
    found: bool
    note: str
    tool_ms: float = 0.0
    model_ms: float = 0.0
    overhead_ms: float = 0.0


@dataclass(frozen=True, slots=True)
class Cited:
    """What an answer rests on: the step with its number, and places that it showed."""

    number: int
    command: str
    places: list[str]


@dataclass(frozen=True, slots=True)
class Use:
    """Of the model, for the whole conversation."""

    calls: int
    prompt_tokens: int
    answer_tokens: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Conversation:
    """Answer of ``chat``. ``stopped`` is why no further step was taken. False if there is no answer."""

    summary: str
    next: str
    steps: list[Step]
    evidence: list[Cited]
    stopped: str
    use: Use
    trajectory: str | None = None
    notes: list[str] | None = field(default=None)

    def __bool__(self) -> bool:
        return bool(self.summary)
