"""What may go wrong with a model server, each with the next step. No address and no key is ever told."""

from __future__ import annotations

from typing import Final

from dspy_agent.model.settings import ModelSettings
from dspy_agent_core.errors import ModelError

_DOCTOR: Final = "Check the model server: dspy-agent doctor"


class TransientModelError(ModelError):
    """May be over in a moment. ``after``: the seconds that the server asks for."""

    def __init__(self, message: str, *, code: str, next: str, after: float | None = None) -> None:
        super().__init__(message, code=code, next=next)
        self.after = after


def unreachable(settings: ModelSettings, why: str) -> ModelError:
    """No connection, or one that broke before the first byte."""
    start = "ollama serve" if settings.server == "ollama" else _DOCTOR
    return TransientModelError(
        f"The model server can't be reached: {why}. What needs no model works.",
        code="ModelUnreachable",
        next=start,
    )


def not_found(settings: ModelSettings) -> ModelError:
    """The server answers, and does not have the model."""
    pull = f"ollama pull {settings.name}" if settings.server == "ollama" else "export MODEL_NAME=…"
    return ModelError(f"The server does not have the model {settings.name}.", code="ModelNotFound", next=pull)


def timed_out(settings: ModelSettings, seconds: float) -> ModelError:
    """Nothing came for a while."""
    return ModelError(
        f"The model {settings.name} sent nothing for {seconds:.0f} s.",
        code="ModelTimeout",
        next="Try a smaller model or a shorter question, or set DSPY_AGENT_MODEL_TIMEOUT (seconds).",
    )


def cut(settings: ModelSettings) -> ModelError:
    """The connection ended before the answer did."""
    return ModelError(
        f"The answer of {settings.name} was cut off in the middle.",
        code="ModelCut",
        next="Try again; if it stays so: dspy-agent doctor",
    )


def refused(settings: ModelSettings, status: int, said: str, after: float | None = None) -> ModelError:
    """The server answers with an error."""
    told = f": {said}" if said else ""
    if status in (401, 403):
        return ModelError(
            "The model server does not accept the key.", code="ModelRefused", next="export OPENAI_API_KEY=…"
        )
    if status == 429 or status >= 500:
        return TransientModelError(
            f"The model server is busy or broken (HTTP {status}{told}).",
            code="ModelBusy" if status in (429, 503) else "ModelFailed",
            next="Try again in a minute; if it stays so: dspy-agent doctor",
            after=after,
        )
    return ModelError(f"The model server refuses (HTTP {status}{told}).", code="ModelRefused", next=_DOCTOR)


def unusable(settings: ModelSettings, why: str) -> ModelError:
    """The server or the model answers something else than what was asked."""
    return ModelError(
        f"The answer of {settings.name} can't be used: {why}.",
        code="ModelAnswer",
        next="Try again, or a larger model.",
    )


def too_long(settings: ModelSettings, tokens: int, most: int) -> ModelError:
    """The prompt does not fit."""
    return ModelError(
        f"The question has about {tokens:,} tokens, and {settings.name} takes {most:,} here.",
        code="PromptTooLong",
        next="Ask for less, or set DSPY_AGENT_MODEL_CONTEXT_TOKENS if the model can take more.",
    )
