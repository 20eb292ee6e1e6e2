"""Learns what a model can do: the server is asked, and what it may only claim is tried, once.

A small model follows a JSON schema because its server samples by a grammar; some servers take the schema
and ignore it. So the trial asks for a word that no model would say by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from dspy_agent.model import cache
from dspy_agent.model.listing import claims_of, digest_of
from dspy_agent.model.question import Answer, Message, Question, Server
from dspy_agent.model.settings import ModelSettings
from dspy_agent.model.traits import THINKING_TOKENS, Traits
from dspy_agent_core.errors import ModelError

_LISTED_SECONDS: Final = 10.0  # for what needs no model
TRIAL_WORD: Final = "kx7-ruru"
_TRIAL: Final = Question(
    messages=(Message("user", "Reply with one short greeting, as JSON."),),
    answer_tokens=32,
    temperature=0.0,
    schema={
        "type": "object",
        "properties": {"word": {"type": "string", "enum": [TRIAL_WORD]}},
        "required": ["word"],
        "additionalProperties": False,
    },
)


def server_of(settings: ModelSettings, traits: Traits) -> Server:
    """Return the way to the settings' server."""
    if settings.server == "ollama":
        from dspy_agent.model.ollama import OllamaServer

        return OllamaServer(settings, traits)
    from dspy_agent.model.openai import OpenAIServer

    return OpenAIServer(settings, traits)


def learn(settings: ModelSettings, patience: float, progress: Callable[[str], None]) -> Traits:
    """Return what the model can do, from the cache or by asking for at most ``patience`` seconds.

    Raises:
        ModelError: the server is absent, does not have the model, or does not answer.
    """
    digest = digest_of(settings, min(patience, _LISTED_SECONDS))
    known = cache.recall(settings, digest)
    if known is not None:
        return known
    progress(f"asking {settings.name} what it can do …")
    traits = _tried(settings, claims_of(settings, min(patience, _LISTED_SECONDS)), patience)
    cache.remember(settings, digest, traits)
    return traits


def _tried(settings: ModelSettings, traits: Traits, patience: float) -> Traits:
    """Return ``traits`` with what a trial shows of schema and thinking."""
    answer = _answer(settings, traits, _TRIAL, patience)
    if answer is not None and answer.thought and not traits.thinking:
        traits = replace(traits, thinking=True)  # it was not told not to think; now it is
        answer = _answer(settings, traits, _TRIAL, patience)
    if traits.thinking and (answer is None or answer.thought):
        traits = replace(traits, quiet=False)
        longer = replace(_TRIAL, answer_tokens=_TRIAL.answer_tokens + THINKING_TOKENS)
        answer = _answer(settings, traits, longer, patience)
    schema = answer is not None and _follows(answer.text)
    return replace(traits, schema=schema, tools=traits.tools or _calls_tools(settings, traits, patience))


def _calls_tools(settings: ModelSettings, traits: Traits, patience: float) -> bool:
    """Return whether the model calls tools, where its server does not say it."""
    if settings.server == "ollama":
        return traits.tools
    from dspy_agent.model.openai import OpenAIServer

    return OpenAIServer(settings, traits).calls_tools(patience)


def _answer(settings: ModelSettings, traits: Traits, question: Question, patience: float) -> Answer | None:
    """Return the answer; None if the server refuses to be asked in this way."""
    try:
        return server_of(settings, traits).answer(question, patience, lambda text: None)
    except ModelError as error:
        if error.code in ("ModelRefused", "ModelAnswer"):
            return None
        raise


def _follows(text: str) -> bool:
    try:
        return bool(json.loads(text) == {"word": TRIAL_WORD})
    except (ValueError, RecursionError):
        return False
