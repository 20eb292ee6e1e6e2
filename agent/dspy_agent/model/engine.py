"""The way from DSPy to a model server: an engine of DSPy's that puts a ``Question``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, Final

import dspy
from dspy import lm15
from dspy.utils.exceptions import LMError

from dspy_agent.model.data import whole
from dspy_agent.model.question import Answer, Message, Question
from dspy_agent_core.errors import AgentError

_ANSWER_TOKENS: Final = 512

# Of an answer that was cut at its limit: the adapter deals with it, and nobody could follow the advice.
logging.getLogger("dspy.clients.lm").setLevel(logging.ERROR)


def language_model(name: str, ask: Callable[[Question], Answer], **defaults: Any) -> dspy.LM:
    """Return what DSPy modules ask. Retries, limits and usage are ``ask``'s; nothing is cached."""
    return _AgentLM(name, engine=_Engine(ask), cache=False, num_retries=0, **defaults)


class _AgentLM(dspy.LM):  # type: ignore[misc]  # dspy has no types
    """A language model whose errors are the agent's own."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Ask; halves of signs, which DSPy refuses, are made whole. Raises ModelError as raised below."""
        try:
            return super().__call__(*_whole(args), **_whole(kwargs))
        except LMError as error:
            if isinstance(error.__cause__, AgentError):
                raise error.__cause__ from None
            raise


def _whole(value: Any) -> Any:
    """Return ``value`` with each text in it, at any depth, as UTF-8 can hold it."""
    match value:
        case str():
            return whole(value)
        case Mapping():
            return {_whole(key): _whole(one) for key, one in value.items()}
        case list() | tuple():
            return type(value)(map(_whole, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(
            value, **{one.name: _whole(getattr(value, one.name)) for one in fields(value) if one.init}
        )
    return value


class _Engine:
    """Answers DSPy's requests, one attempt each."""

    supports_response_schema = True
    supported_params = ("response_format", "temperature", "max_tokens", "seed", "stop")

    def __init__(self, ask: Callable[[Question], Answer]) -> None:
        self._ask = ask

    def complete(self, request: lm15.Request) -> lm15.Response:
        """Return the whole answer."""
        config = request.config
        form = config.response_format or {}
        answer = self._ask(
            Question(
                messages=tuple(_messages(request)),
                answer_tokens=config.max_tokens or _ANSWER_TOKENS,
                temperature=config.temperature,
                seed=config.seed,
                stop=config.stop,
                schema=form.get("schema"),
            )
        )
        return lm15.Response(
            id=None,
            model=request.model,
            message=lm15.Message.assistant(answer.text),
            finish_reason="stop" if answer.finished else "length",
            usage=lm15.Usage(input_tokens=answer.prompt_tokens, output_tokens=answer.answer_tokens),
        )

    def close(self) -> None:
        """Nothing is held between calls."""


def _messages(request: lm15.Request) -> list[Message]:
    messages = [Message(turn.role, turn.text or "") for turn in request.messages]
    if request.system:
        system = request.system
        text = system if isinstance(system, str) else "".join(part.text for part in system)
        messages.insert(0, Message("system", text))
    return messages
