"""Ollama, through its own client: streams, and no prompt cut in silence."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any, Final

import ollama

from dspy_agent.model import errors
from dspy_agent.model.connection import Connection
from dspy_agent.model.question import Answer, OnText, Question
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import Traits

_KEEP_ALIVE: Final = "30m"  # on this machine; elsewhere who runs the server decides


class OllamaServer:
    """Asks a model at an Ollama."""

    def __init__(self, settings: ModelSettings, traits: Traits) -> None:
        self._settings = settings
        self._traits = traits

    def answer(self, question: Question, patience: float, on_text: OnText) -> Answer:
        """Ask, waiting at most ``patience`` seconds for the first byte."""
        pieces: list[str] = []
        thought = False
        with closing(self._parts(question, patience)) as parts:
            for part in parts:
                thought = thought or bool(part.message.thinking)
                if part.message.content:
                    pieces.append(part.message.content)
                    on_text(part.message.content)
                if part.done:
                    return Answer(
                        text="".join(pieces),
                        finished=part.done_reason != "length",
                        prompt_tokens=part.prompt_eval_count,
                        answer_tokens=part.eval_count,
                        thought=thought,
                    )
        raise errors.cut(self._settings)

    def _parts(self, question: Question, patience: float) -> Generator[ollama.ChatResponse, None, None]:
        """Yield the parts of the answer. Raises ModelError."""
        connection = Connection(self._settings, patience, question.answer_tokens, until=question.until)
        begun = False
        try:
            with client(self._settings, connection) as asked, closing(self._chat(asked, question)) as parts:
                for part in parts:
                    begun = begun or bool(part.message.content)
                    yield part
        except Exception as error:
            raise agent_error(connection, error, begun=begun) from None

    def _chat(self, asked: ollama.Client, question: Question) -> Any:
        settings, traits = self._settings, self._traits
        options = {
            "num_ctx": traits.context_tokens,  # always the same: another one loads the model anew
            "num_predict": question.answer_tokens,
            "num_thread": settings.threads,
            "temperature": question.temperature,
            "seed": question.seed,
            "stop": list(question.stop) or None,
        }
        return asked.chat(
            model=settings.name,
            messages=[{"role": one.role, "content": one.content} for one in question.messages],
            stream=True,
            format=dict(question.schema) if question.schema and traits.schema else None,
            think=False if traits.thinking else None,
            options={name: value for name, value in options.items() if value is not None},
            keep_alive=_KEEP_ALIVE if settings.on_this_machine else None,
        )


def client(settings: ModelSettings, connection: Connection) -> ollama.Client:
    """Return a client for one exchange: closing it closes the connection, and the server stops."""
    headers = {"Authorization": f"Bearer {settings.key}"} if settings.key else {}
    return _Client(host=settings.url, headers=headers, **connection.options())


def agent_error(connection: Connection, error: Exception, *, begun: bool) -> Exception:
    """Return ``error`` as one of the agent's."""
    settings = connection.settings
    if isinstance(error, ConnectionError):
        return errors.unreachable(settings)  # what the client makes of a refused connection
    if not isinstance(error, ollama.ResponseError):
        return connection.error(error, begun=begun)
    said = str(error.error)
    with suppress(ValueError, LookupError, TypeError):
        said = str(json.loads(said)["error"])
    if begun:
        return errors.cut(settings, said)
    if error.status_code == 404:
        return errors.not_found(settings)
    status = error.status_code if error.status_code > 0 else 500
    return errors.refused(settings, status, said, connection.retry_after)


class _Client(ollama.Client):
    """A client that has Ollama refuse a prompt over the context instead of leaving out its beginning."""

    def _request(self, cls: Any, *args: Any, stream: bool = False, **kwargs: Any) -> Any:
        if args[1:] == ("/api/chat",) and isinstance(kwargs.get("json"), dict):
            kwargs["json"] = {**kwargs["json"], "truncate": False}
        return super()._request(cls, *args, stream=stream, **kwargs)
