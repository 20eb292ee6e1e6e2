"""A question to a model and its answer, whatever the server speaks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

OnText = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a conversation; an ``assistant`` one at the end is where the answer goes on."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """What a model is asked.

    Args:
        messages: the conversation.
        answer_tokens: at most so many.
        temperature: None: the server's own choice.
        seed: for the same answer again.
        stop: where the answer ends.
        schema: a JSON schema that the answer must fit.
        until: when the answer is not wanted any longer, by the monotonic clock.
    """

    messages: tuple[Message, ...]
    answer_tokens: int
    temperature: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    schema: Mapping[str, Any] | None = None
    until: float = math.inf


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said.

    Args:
        text: without what it thought.
        finished: False if it was cut at ``answer_tokens``.
        prompt_tokens: as the server counts.
        answer_tokens: as the server counts.
        thought: it thought before it answered.
    """

    text: str
    finished: bool
    prompt_tokens: int | None = None
    answer_tokens: int | None = None
    thought: bool = False


class Server(Protocol):
    """A model server: one attempt, no retries."""

    def answer(self, question: Question, patience: float, on_text: OnText) -> Answer:
        """Ask, waiting at most ``patience`` seconds for the first byte. Raises ModelError."""
