"""The way from DSPy to a model server: an engine of DSPy's that asks a ``Model``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dspy
from dspy.lm15 import Message as DspyMessage
from dspy.lm15 import Request, Response, Usage
from dspy.utils.exceptions import LMError

from dspy_agent.model.question import Answer, Message, Question
from dspy_agent_core.errors import AgentError


class Engine:
    """Answers DSPy's requests with ``ask``."""

    supports_response_schema = True
    supported_params = ("response_format", "temperature", "max_tokens", "seed", "stop")

    def __init__(self, ask: Callable[[Question], Answer], answer_tokens: int) -> None:
        self._ask = ask
        self._answer_tokens = answer_tokens

    def complete(self, request: Request) -> Response:
        """Ask once and return the whole answer."""
        config = request.config
        form = config.response_format or {}
        messages = [Message(turn.role, turn.text or "") for turn in request.messages]
        if request.system:
            system = request.system
            text = system if isinstance(system, str) else "".join(part.text for part in system)
            messages.insert(0, Message("system", text))
        answer = self._ask(
            Question(
                messages=tuple(messages),
                answer_tokens=config.max_tokens or self._answer_tokens,
                temperature=config.temperature,
                seed=config.seed,
                stop=config.stop,
                schema=form.get("schema"),
            )
        )
        return Response(
            id=None,
            model=request.model,
            message=DspyMessage.assistant(answer.text),
            finish_reason="stop" if answer.finished else "length",
            usage=Usage(input_tokens=answer.prompt_tokens, output_tokens=answer.answer_tokens),
        )

    def close(self) -> None:
        """Nothing is held between calls."""


class AgentLM(dspy.LM):  # type: ignore[misc]  # dspy has no types
    """A language model whose errors are the agent's own."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Ask. Raises ModelError as it was raised below."""
        try:
            return super().__call__(*args, **kwargs)
        except LMError as error:
            if isinstance(error.__cause__, AgentError):
                raise error.__cause__ from None
            raise
