"""A desk before a slow model: it is asked one context at a time, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.errors import AgentError
from dspy_agent_core.streams.advice import Advice

_PAUSE_SECONDS: Final = 30.0
_BY_RULES: Final = "rules"


class Advises(Protocol):
    """A model: says what to make of a context."""

    @property
    def name(self) -> str:
        """Written into ``by`` of the results."""

    def ask(self, context: Context, by_rules: Advice) -> Advice:
        """Return the model's advice. Raises AgentError."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is to be said of a context, and by whom; ``trouble`` is why not by the model."""

    context: Context
    advice: Advice
    by: str
    done: Callable[[], None]
    trouble: str | None = None


class ModelDesk:
    """Hands contexts to the model, at most one of each app waiting: the newest; rules answer the others.

    After a failure the model is left alone for a while.
    """

    def __init__(self, model: Advises) -> None:
        self._model = model
        self._changed = threading.Condition()
        self._waiting: dict[str, Answer] = {}
        self._running: Answer | None = None
        self._answers: list[Answer] = []
        self._rest_until = 0.0
        threading.Thread(target=self._work, name="model", daemon=True).start()

    def ask(self, context: Context, by_rules: Advice, done: Callable[[], None]) -> None:
        """Ask for an answer; it comes out of ``answers``, with ``done`` as it is."""
        mine = Answer(context, by_rules, _BY_RULES, done)
        with self._changed:
            if time.monotonic() < self._rest_until:
                self._answers.append(mine)
                return
            older = self._waiting.get(context.app)
            if older is not None:
                self._answers.append(older)
            self._waiting[context.app] = mine
            self._changed.notify()

    def answers(self) -> list[Answer]:
        """Return the answers that came since the last call."""
        with self._changed:
            answers, self._answers = self._answers, []
        return answers

    def give_up(self) -> None:
        """Let rules answer all that waits for the model."""
        with self._changed:
            if self._running is not None:
                self._answers.append(self._running)
                self._running = None
            self._answers += self._waiting.values()
            self._waiting.clear()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                app = next(iter(self._waiting))
                self._running = asked = self._waiting.pop(app)
            answer = self._ask(asked)
            with self._changed:
                if self._running is not asked:
                    continue  # given up meanwhile
                self._running = None
                self._answers.append(answer)
                if answer.trouble:
                    self._rest_until = time.monotonic() + _PAUSE_SECONDS
                    self._answers += self._waiting.values()
                    self._waiting.clear()

    def _ask(self, asked: Answer) -> Answer:
        try:
            advice = self._model.ask(asked.context, asked.advice)
        except AgentError as error:
            return Answer(asked.context, asked.advice, _BY_RULES, asked.done, error.message)
        except Exception as error:  # the desk must not die of what nobody foresaw
            trouble = f"The model can't be asked: {type(error).__name__}."
            return Answer(asked.context, asked.advice, _BY_RULES, asked.done, trouble)
        return Answer(asked.context, advice, self._model.name, asked.done)
