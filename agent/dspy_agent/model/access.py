"""The one way to a model: whatever the settings name, with its budget kept and its use counted.

    model = open_model(workspace)
    with model.answering(answer_tokens=300):
        plan = load_module("plan", workspace)(task=…)

Inside, any DSPy module works. A prompt that does not fit is refused: no server is left to cut it in silence.
"""

from __future__ import annotations

import math
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from dspy_agent.model import errors
from dspy_agent.model.attempts import attempts
from dspy_agent.model.data import sendable
from dspy_agent.model.probe import learn, server_of
from dspy_agent.model.pull import pull_if_wanted
from dspy_agent.model.question import Answer, Message, OnText, Question
from dspy_agent.model.settings import ModelSettings, model_settings
from dspy_agent.model.thoughts import without_thoughts
from dspy_agent.model.tokens import TEMPLATE_TOKENS, Counter
from dspy_agent.model.traits import THINKING_TOKENS, Traits
from dspy_agent_core.errors import ModelError

_TOKENS_A_MESSAGE: Final = 12  # the marks around a message, and what a template adds
_TOKENS_A_SECOND: Final = 10  # that a small model reads on a busy CPU, at least
_QUEUED: Final = 10  # times the timeout: others may be asking, or the model is being loaded


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
    overrides: Mapping[str, str | None] = {},
    progress: Callable[[str], None] | None = None,
) -> Model:
    """Return the model that the command line, the environment or the workspace names.

    What it can do is asked once and remembered. A model that an Ollama does not have is pulled, if a user
    at a terminal wants it.

    Args:
        workspace: whose file may name a model.
        overrides: from the command line: the model's ``name``.
        progress: told what takes long; default: standard error.

    Raises:
        ModelError: the server is absent, or does not have the model.
        UsageError: a setting is off.
    """
    say = progress or _on_stderr
    settings = model_settings(workspace, overrides)
    patience = _patience(settings, 0)
    try:
        traits = attempts(lambda: learn(settings, patience, say), settings.retries)
    except ModelError as error:
        if error.code != "ModelNotFound" or not pull_if_wanted(settings, error, progress):
            raise
        traits = attempts(lambda: learn(settings, patience, say), settings.retries)
    return Model(settings, traits)


class Model:
    """A model that can be asked, from any thread."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self.settings = settings
        self.traits = traits
        self.usage = Usage()
        self._server = server_of(settings, traits)
        self._counter = Counter()
        self._lock = threading.Lock()
        self._unseen = THINKING_TOKENS if traits.thinking and not traits.quiet else 0

    @contextmanager
    def answering(
        self,
        *,
        on_text: OnText | None = None,
        answer_tokens: int = 512,
        temperature: float | None = None,
        seed: int | None = None,
        until: float = math.inf,
    ) -> Iterator[None]:
        """Let DSPy modules ask this model while the block runs.

        Args:
            on_text: called with each piece of an answer as it comes.
            answer_tokens: that an answer may have.
            temperature: None: the server's own choice.
            seed: for the same answers again.
            until: no answer is waited for longer, by the monotonic clock: then OutOfTime is raised.
        """
        import dspy

        from dspy_agent.model.adapter import SchemaAdapter
        from dspy_agent.model.engine import language_model

        said = on_text or _nobody
        lm = language_model(
            f"{self.settings.server}/{self.settings.name}",
            lambda question: self._ask(replace(question, until=until), said),
            max_tokens=answer_tokens,
            temperature=temperature,
            seed=seed,
        )
        adapter = SchemaAdapter(keeps_schema=self.traits.schema)
        with dspy.context(lm=lm, adapter=adapter, disable_history=True):
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
        begins = bool(prefill) and answer.text.startswith(prefill)  # a server that began anew
        return Completion(answer.text if begins else prefill + answer.text, answer.finished)

    def prompt_tokens(self, answer_tokens: int) -> int:
        """Return what a prompt may hold if its answer may have ``answer_tokens``."""
        return max(0, self.traits.context_tokens - answer_tokens - self._unseen)

    def count(self, text: str) -> int:
        """Return how many tokens ``text`` has, rather too many than too few."""
        return self._counter.count(text)

    def _ask(self, question: Question, on_text: OnText) -> Answer:
        counted = sum(_TOKENS_A_MESSAGE + self.count(one.content) for one in question.messages)
        counted += TEMPLATE_TOKENS
        most = self.prompt_tokens(question.answer_tokens)
        if counted > most:
            raise errors.too_long(self.settings, counted, most)
        messages = tuple(Message(one.role, sendable(one.content)) for one in question.messages)
        asked = replace(question, messages=messages, answer_tokens=question.answer_tokens + self._unseen)
        patience = _patience(self.settings, counted)
        started = time.monotonic()
        answer = self._answered(asked, patience, on_text)
        self._count(answer, counted, time.monotonic() - started)
        if answer.prompt_tokens is not None and answer.prompt_tokens > most:
            raise errors.too_long(self.settings, answer.prompt_tokens, most)
        return replace(answer, text=without_thoughts(answer.text))

    def _answered(self, asked: Question, patience: float, on_text: OnText) -> Answer:
        def ask() -> Answer:
            left = asked.until - time.monotonic()
            if left <= 0:
                raise errors.OutOfTime
            return self._server.answer(asked, min(patience, left), on_text)

        try:
            return attempts(ask, self.settings.retries, asked.until)
        except ModelError:
            if time.monotonic() >= asked.until:
                raise errors.OutOfTime from None
            raise

    def _count(self, answer: Answer, counted: int, seconds: float) -> None:
        if answer.prompt_tokens is not None:
            self._counter.learn(counted, answer.prompt_tokens)
        with self._lock:
            used = self.usage
            self.usage = Usage(
                calls=used.calls + 1,
                prompt_tokens=used.prompt_tokens + (answer.prompt_tokens or counted),
                answer_tokens=used.answer_tokens + (answer.answer_tokens or self.count(answer.text)),
                seconds=used.seconds + seconds,
            )


def _patience(settings: ModelSettings, prompt_tokens: int) -> float:
    """Return the seconds to wait for the first byte: a model on a CPU reads a long prompt for minutes."""
    return _QUEUED * settings.timeout + prompt_tokens / _TOKENS_A_SECOND


def _nobody(text: str) -> None:
    """Nobody watches."""


def _on_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
