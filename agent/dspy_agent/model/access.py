"""The one way to a model: whatever the settings name, with its budget kept and its use counted.

    with open_model(workspace).answering(answer_tokens=300):
        plan = load_module("plan", workspace)(task=…)

Inside, any DSPy module works. A prompt that does not fit is refused: no server is left to cut it in silence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dspy_agent.model import errors
from dspy_agent.model.question import Answer, Message, OnText, Question, Server
from dspy_agent.model.settings import ModelSettings, model_settings
from dspy_agent.model.tokens import Counter
from dspy_agent.model.traits import SENSIBLE_CONTEXT, Traits

_TOKENS_A_MESSAGE: Final = 12  # the marks around a message, and what a template adds
_TOKENS_A_SECOND: Final = 10  # that a small model reads on a busy CPU, at least
_WAIT_SECONDS: Final = 60.0  # at most, between two attempts


@dataclass(frozen=True, slots=True)
class Usage:
    """What a model was used for so far."""

    calls: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Completion:
    """Plain text. ``finished`` is False if it was cut at the answer's limit."""

    text: str
    finished: bool


def open_model(
    workspace: Path,
    *,
    overrides: Mapping[str, str] = {},
    progress: Callable[[str], None] | None = None,
) -> Model:
    """Return the model that the command line, the environment or the workspace names.

    Raises:
        ModelError: the server is absent, or does not have the model.
        UsageError: a setting is off.
    """
    settings = model_settings(workspace, overrides)
    traits = Traits(settings.context_tokens or SENSIBLE_CONTEXT)
    return Model(settings, traits)


class Model:
    """A model that can be asked, from any thread."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self.settings = settings
        self.traits = traits
        self.usage = Usage()
        self._server = _server(settings, traits)
        self._counter = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def answering(
        self,
        *,
        on_text: OnText | None = None,
        answer_tokens: int = 512,
        temperature: float | None = None,
        seed: int | None = None,
    ) -> Iterator[None]:
        """Let DSPy modules ask this model while the block runs.

        Args:
            on_text: called with each piece of an answer as it comes.
            answer_tokens: that an answer may have.
            temperature: None: the server's own choice.
            seed: for the same answers again.
        """
        import dspy

        from dspy_agent.model.adapter import SchemaAdapter
        from dspy_agent.model.engine import AgentLM, Engine

        said = on_text or _nobody
        lm = AgentLM(
            f"{self.settings.server}/{self.settings.name}",
            engine=Engine(lambda question: self._ask(question, said), answer_tokens),
            cache=False,
            num_retries=0,
            max_tokens=answer_tokens,
            temperature=temperature,
            seed=seed,
        )
        with dspy.context(lm=lm, adapter=SchemaAdapter(), disable_history=True):
            yield

    def complete(
        self,
        system: str,
        user: str,
        *,
        answer_tokens: int,
        stop: Sequence[str] = (),
        temperature: float | None = None,
        seed: int | None = None,
        prefill: str = "",
        on_text: OnText | None = None,
    ) -> Completion:
        """Return plain text, which begins with ``prefill``.

        Raises:
            ModelError: no answer can be had, or the question does not fit.
        """
        messages = [Message("system", system), Message("user", user)]
        if prefill:
            messages.append(Message("assistant", prefill))
        question = Question(tuple(messages), answer_tokens, temperature, seed, tuple(stop))
        answer = self._ask(question, on_text or _nobody)
        return Completion(prefill + answer.text, answer.finished)

    def prompt_tokens(self, answer_tokens: int) -> int:
        """Return what a prompt may hold if its answer may have ``answer_tokens``."""
        return max(0, self.traits.context_tokens - answer_tokens)

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` has: rather too many than too few."""
        return self._counter.count(text)

    def _ask(self, question: Question, on_text: OnText) -> Answer:
        counted = sum(_TOKENS_A_MESSAGE + self.count(one.content) for one in question.messages)
        most = self.prompt_tokens(question.answer_tokens)
        if counted > most:
            raise errors.too_long(self.settings, counted, most)
        started = time.monotonic()
        answer = self._attempts(question, self.settings.timeout + counted / _TOKENS_A_SECOND, on_text)
        if answer.prompt_tokens is not None:
            self._counter.learn(counted, answer.prompt_tokens)
            if answer.prompt_tokens > most:
                raise errors.too_long(self.settings, answer.prompt_tokens, most)
        with self._lock:
            used = self.usage
            self.usage = replace(
                used,
                calls=used.calls + 1,
                prompt_tokens=used.prompt_tokens + (answer.prompt_tokens or counted),
                answer_tokens=used.answer_tokens + (answer.answer_tokens or self.count(answer.text)),
                seconds=used.seconds + time.monotonic() - started,
            )
        return answer

    def _attempts(self, question: Question, patience: float, on_text: OnText) -> Answer:
        attempt = 0
        while True:
            try:
                return self._server.answer(question, patience, on_text)
            except errors.TransientModelError as error:
                if attempt == self.settings.retries:
                    raise
                wait = error.after if error.after is not None else 0.5 * 2**attempt
                time.sleep(min(wait, _WAIT_SECONDS))
                attempt += 1


def _server(settings: ModelSettings, traits: Traits) -> Server:
    if settings.server == "ollama":
        from dspy_agent.model.ollama import OllamaServer

        return OllamaServer(settings, traits)
    from dspy_agent.model.openai import OpenAIServer

    return OpenAIServer(settings, traits)


def _nobody(text: str) -> None:
    """Nobody watches."""
