"""Ollama, through its own client."""

from __future__ import annotations

import contextlib
import json
from typing import Any, Final

import httpx
import ollama

from dspy_agent.model import errors
from dspy_agent.model.question import Answer, OnText, Question
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits

_KEEP_ALIVE: Final = "30m"
_CONNECT_SECONDS: Final = 5.0
_CHARS_A_TOKEN: Final = 64  # more than any token has: what is longer is no answer


class OllamaServer:
    """Asks a model at an Ollama."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self._settings = settings
        self._traits = traits

    def answer(self, question: Question, patience: float, on_text: OnText) -> Answer:
        """Ask, waiting at most ``patience`` seconds for the first byte."""
        settings = self._settings
        pieces: list[str] = []
        try:
            for part in self._parts(question, patience):
                if part.message.content:
                    pieces.append(part.message.content)
                    on_text(part.message.content)
                if part.done:
                    text = "".join(pieces)
                    finished = part.done_reason != "length"
                    return Answer(text, finished, part.prompt_eval_count, part.eval_count)
                if sum(map(len, pieces[-1:])) > _CHARS_A_TOKEN * question.answer_tokens:
                    raise errors.unusable(settings, "it does not end")
        except ollama.ResponseError as error:
            raise _refusal(settings, error) from None
        except httpx.TimeoutException:
            raise errors.timed_out(settings, settings.timeout if pieces else patience) from None
        except (ConnectionError, httpx.TransportError):
            if pieces:
                raise errors.cut(settings) from None
            raise errors.unreachable(settings, "no connection") from None
        except (ValueError, TypeError, AttributeError):
            raise errors.unusable(settings, "the server speaks something else than Ollama") from None
        raise errors.cut(settings)

    def _parts(self, question: Question, patience: float) -> Any:
        settings, traits = self._settings, self._traits
        options: dict[str, Any] = {
            "num_ctx": traits.context_tokens,
            "num_predict": question.answer_tokens,
            "num_thread": settings.threads,
            "temperature": question.temperature,
            "seed": question.seed,
            "stop": list(question.stop) or None,
        }
        with client(settings, patience) as asked:
            yield from asked.chat(
                model=settings.name,
                messages=[{"role": one.role, "content": one.content} for one in question.messages],
                stream=True,
                format=dict(question.schema) if question.schema and traits.schema else None,
                think=False if traits.thinking else None,
                options={name: value for name, value in options.items() if value is not None},
                keep_alive=_KEEP_ALIVE,
            )


def client(settings: ModelSettings, patience: float) -> ollama.Client:
    """Return a client that waits ``patience`` seconds for the first byte, and less for each one after it."""

    def answered(response: httpx.Response) -> None:
        response.request.extensions["timeout"]["read"] = settings.timeout

    return ollama.Client(
        host=settings.url,
        follow_redirects=False,
        timeout=httpx.Timeout(patience, connect=_CONNECT_SECONDS),
        event_hooks={"response": [answered]},
    )


def _refusal(settings: ModelSettings, error: ollama.ResponseError) -> Exception:
    if error.status_code == 404:
        return errors.not_found(settings)
    said = str(error.error)
    with contextlib.suppress(ValueError, KeyError, TypeError):
        said = str(json.loads(said)["error"])
    return errors.refused(settings, error.status_code if error.status_code > 0 else 500, said[:200])
