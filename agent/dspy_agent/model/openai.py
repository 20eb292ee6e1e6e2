"""OpenAI-compatible servers, through the client that comes with DSPy: no SDK, no redirects."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from dspy import lm15
from dspy._vendor.lm15.transports import StdlibTransport
from dspy._vendor.lm15.transports._exceptions import ReadTimeout

from dspy_agent.model import errors
from dspy_agent.model.question import Answer, OnText, Question
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits

_CONNECT_SECONDS: Final = 5.0
_NO_KEY: Final = "none"  # a server without keys takes any


class OpenAIServer:
    """Asks a model at a server that speaks OpenAI's chat completions."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self._settings = settings
        self._traits = traits

    def answer(self, question: Question, patience: float, on_text: OnText) -> Answer:
        """Ask, waiting at most ``patience`` seconds for each byte: it is not known when the reading ends."""
        settings = self._settings
        pieces: list[str] = []
        try:
            for event in self._events(question, patience):
                if event.type == "delta" and event.delta.type == "text":
                    pieces.append(event.delta.text)
                    on_text(event.delta.text)
                elif event.type == "error":
                    raise errors.refused(settings, 500, event.error.message[:200])
                elif event.type == "end":
                    usage = event.usage or lm15.Usage()
                    finished = event.finish_reason != "length"
                    return Answer("".join(pieces), finished, usage.input_tokens, usage.output_tokens)
        except lm15.ProviderError as error:
            raise _refusal(settings, error) from None
        except lm15.TransportError as error:
            if isinstance(error.__cause__, ReadTimeout):
                raise errors.timed_out(settings, patience) from None
            if pieces:
                raise errors.cut(settings) from None
            raise errors.unreachable(settings, "no connection") from None
        except (lm15.LM15Error, ValueError, TypeError, KeyError, AttributeError):
            raise errors.unusable(settings, "the server speaks something else than OpenAI's API") from None
        raise errors.cut(settings)

    def _events(self, question: Question, patience: float) -> Iterator[Any]:
        settings = self._settings
        with StdlibTransport(connect_timeout=_CONNECT_SECONDS, read_timeout=patience) as transport:
            server = lm15.OpenAIChatLM(
                api_key=settings.key or _NO_KEY, base_url=settings.url, transport=transport
            )
            yield from server.stream(self._request(question))

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
        return lm15.Request(model=self._settings.name, messages=turns, system=system, config=config)


def _refusal(settings: ModelSettings, error: lm15.ProviderError) -> Exception:
    if error.status == 404:
        return errors.not_found(settings)
    return errors.refused(settings, error.status or 500, error.message[:200], error.retry_after)
