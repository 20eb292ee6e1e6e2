"""OpenAI-compatible servers: their dialect as DSPy's own client speaks it, over our connection."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import httpx
from dspy import lm15

from dspy_agent.model import errors
from dspy_agent.model.connection import Connection
from dspy_agent.model.question import Answer, OnText, Question
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits
from dspy_agent_core.errors import ModelError

_NOTHING: Final[dict[str, Any]] = {"type": "object", "properties": {}}
_NO_KEY: Final = "none"  # a server without keys takes any
_OWN: Final = "api.openai.com"
# What vLLM, SGLang, llama.cpp and their like take: a template's switch turns thinking off.
_USUAL: Final = lm15.OpenAIChatCompat(max_tokens_field="max_tokens", thinking_format="qwen_chat_template")


class OpenAIServer:
    """Asks a model at a server that speaks OpenAI's chat completions."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self._settings = settings
        self._traits = traits

    def answer(self, question: Question, patience: float, on_text: OnText) -> Answer:
        """Ask, waiting at most ``patience`` seconds for each byte: some send the first too early."""
        pieces: list[str] = []
        thought = False
        with closing(self._parts(self._request(question), patience, question.until)) as parts:
            for part in parts:
                if part.type == "delta" and part.delta.type == "thinking":
                    thought = True
                elif part.type == "delta" and part.delta.type == "text":
                    pieces.append(part.delta.text)
                    on_text(part.delta.text)
                elif part.type == "end" and part.finish_reason is not None:
                    usage = part.usage or lm15.Usage()
                    finished = part.finish_reason != "length"
                    return Answer("".join(pieces), finished, usage.input_tokens, usage.output_tokens, thought)
        raise errors.cut(self._settings)

    def calls_tools(self, patience: float) -> bool:
        """Return whether the model calls a tool that it is told to call."""
        request = lm15.Request(
            model=self._settings.name,
            messages=(lm15.Message.user("Call the tool."),),
            tools=(
                lm15.FunctionTool(name="ready", description="Says that you are ready.", parameters=_NOTHING),
            ),
            config=lm15.Config(max_tokens=64, temperature=0.0),
        )
        try:
            with closing(self._parts(request, patience)) as parts:
                return any(part.type == "delta" and part.delta.type == "tool_call" for part in parts)
        except ModelError as error:
            if error.code in ("ModelRefused", "ModelAnswer"):
                return False
            raise

    def _parts(
        self, request: lm15.Request, patience: float, until: float = math.inf
    ) -> Generator[Any, None, None]:
        """Yield the parts of the answer. Raises ModelError."""
        settings = self._settings
        connection = Connection(settings, patience, request.config.max_tokens, late=True, until=until)
        begun = False
        try:
            with httpx.Client(**connection.options()) as client:
                for part in _dialect(settings, client).stream(request):
                    if part.type == "error":
                        raise errors.refused(settings, 500, part.error.message)
                    begun = begun or part.type == "delta"
                    yield part
        except Exception as error:
            raise _agent_error(connection, error, begun=begun) from None

    def _request(self, question: Question) -> lm15.Request:
        system = "\n\n".join(one.content for one in question.messages if one.role == "system")
        makers = {"user": lm15.Message.user, "assistant": lm15.Message.assistant}
        turns = tuple(makers[one.role](one.content) for one in question.messages if one.role != "system")
        config = lm15.Config(
            max_tokens=question.answer_tokens,
            temperature=question.temperature,
            seed=question.seed,
            stop=question.stop,
        )
        if question.schema and self._traits.schema:
            form = {"type": "json_schema", "name": "answer", "schema": dict(question.schema)}
            config = replace(config, response_format=form)
        if self._traits.thinking and self._traits.quiet:
            config = replace(config, reasoning=lm15.Reasoning(effort="off"))
        return lm15.Request(model=self._settings.name, messages=turns, system=system or None, config=config)


def _dialect(settings: ModelSettings, client: httpx.Client) -> Any:
    own = urlsplit(settings.url).hostname == _OWN
    return lm15.OpenAIChatLM(
        api_key=settings.key or _NO_KEY,
        base_url=settings.url,
        transport=_Transport(client, settings),
        compat="openai" if own else _USUAL,
    )


def _agent_error(connection: Connection, error: Exception, *, begun: bool) -> Exception:
    settings = connection.settings
    if begun and isinstance(error, lm15.ProviderError | errors.TransientModelError):
        return errors.cut(settings, str(error.message))
    match error:
        case lm15.UnsupportedModelError():
            return errors.not_found(settings)
        case lm15.ContextLengthError():
            return errors.too_long(settings)
        case lm15.ProviderError():
            if error.status == 404:
                return errors.not_found(settings)
            return errors.refused(settings, error.status or 500, error.message, connection.retry_after)
        case lm15.LM15Error():
            return errors.unusable(settings.name, "the server does not speak OpenAI's API")
    return connection.error(error, begun=begun)


class _Transport:
    """Sends what the dialect asks for over a client of ours."""

    def __init__(self, client: httpx.Client, settings: ModelSettings) -> None:
        self._client = client
        self._settings = settings

    @contextmanager
    def stream(self, request: Any) -> Iterator[_Response]:
        """Send ``request`` and yield the response while the block runs."""
        headers = dict(request.headers)
        with self._client.stream(
            request.method, request.url, headers=headers, content=request.body
        ) as answer:
            if answer.is_redirect:
                raise errors.refused(self._settings, answer.status_code, "")
            yield _Response(answer.status_code, answer.reason_phrase, answer.headers.multi_items(), answer)


@dataclass(frozen=True, slots=True)
class _Response:
    status: int
    reason: str
    headers: list[tuple[str, str]]
    answer: httpx.Response

    def read(self) -> bytes:
        return self.answer.read()

    def iter_lines(self) -> Iterator[bytes]:
        rest = b""
        for data in self.answer.iter_bytes():
            *lines, rest = (rest + data).split(b"\n")
            yield from lines
        if rest:
            yield rest
