"""What may go wrong with a model server, each with the next step. Keys and passwords are never told."""

from __future__ import annotations

import re
from typing import Final

from dspy_agent.model.data import without_secrets
from dspy_agent.model.settings import ModelSettings
from dspy_agent_core.errors import ModelError

_DOCTOR: Final = "Check the model server: dspy-agent doctor"
_SAID: Final = 200
_TOO_LONG: Final = re.compile(r"(?i)exceeds? .{0,30}\bcontext|\bmaximum context length|\bcontext_length")


class TransientModelError(ModelError):
    """May be over in a moment. ``after``: the seconds that the server asks for."""

    def __init__(self, message: str, *, code: str, next: str, after: float | None = None) -> None:
        super().__init__(message, code=code, next=next)
        self.after = after


class OutOfTime(ModelError):
    """The answer was not wanted any longer."""

    def __init__(self) -> None:
        super().__init__(
            "The time was over before the model had answered.",
            code="OutOfTime",
            next="Give it more: --seconds",
        )


def unreachable(settings: ModelSettings) -> ModelError:
    """Nobody listens there."""
    return ModelError(
        f"No model server at {settings.shown_url}. What needs no model works.",
        code="ModelUnreachable",
        next="ollama serve" if settings.server == "ollama" and settings.on_this_machine else _DOCTOR,
    )


def broken(settings: ModelSettings) -> ModelError:
    """The connection broke before anything of the answer came."""
    return TransientModelError(
        f"The model server at {settings.shown_url} closed the connection.",
        code="ModelUnreachable",
        next="Try again; if it stays so: dspy-agent doctor",
    )


def not_found(settings: ModelSettings) -> ModelError:
    """The server answers, and does not have the model."""
    pull = f"ollama pull {settings.name}" if settings.server == "ollama" else "export MODEL_NAME=…"
    return ModelError(
        f"The server at {settings.shown_url} does not have the model {settings.name}.",
        code="ModelNotFound",
        next=pull,
    )


def timed_out(settings: ModelSettings, seconds: float) -> ModelError:
    """Nothing came for a while."""
    return ModelError(
        f"The model {settings.name} sent nothing for {seconds:.0f} s.",
        code="ModelTimeout",
        next="Ask less or a smaller model, or wait longer: export DSPY_AGENT_MODEL_TIMEOUT=SECONDS",
    )


def cut(settings: ModelSettings, said: str = "") -> ModelError:
    """The connection ended before the answer did."""
    return ModelError(
        f"The answer of {settings.name} was cut off in the middle{_told(settings, said)}.",
        code="ModelCut",
        next="Try again; if it stays so: dspy-agent doctor",
    )


def refused(settings: ModelSettings, status: int, said: str, after: float | None = None) -> ModelError:
    """The server answers with an error."""
    told = f"HTTP {status}{_told(settings, said)}"
    if 400 <= status < 500 and _TOO_LONG.search(said):
        return too_long(settings)
    if status in (401, 403):
        return ModelError(
            f"The server at {settings.shown_url} does not accept the key (HTTP {status}).",
            code="ModelUnauthorized",
            next="export OPENAI_API_KEY=…" if settings.server == "openai" else "export OLLAMA_API_KEY=…",
        )
    if status == 429 or status >= 500:
        return TransientModelError(
            f"The model server is busy or broken ({told}).",
            code="ModelBusy" if status in (429, 503) else "ModelFailed",
            next="Try again in a minute; if it stays so: dspy-agent doctor",
            after=after,
        )
    if 300 <= status < 400:
        return ModelError(
            f"The model server sends elsewhere (HTTP {status}), where neither code nor key is to go.",
            code="ModelElsewhere",
            next="Name the server's own address in OLLAMA_HOST or OPENAI_BASE_URL.",
        )
    return ModelError(f"The model server refuses ({told}).", code="ModelRefused", next=_DOCTOR)


def unusable(name: str, why: str) -> ModelError:
    """The server or the model answers something else than what was asked."""
    return ModelError(
        f"The answer of {name} can't be used: {why}.",
        code="ModelAnswer",
        next="Try again, or a larger model.",
    )


def too_long(settings: ModelSettings, tokens: int = 0, most: int = 0) -> ModelError:
    """The prompt does not fit, by our count (``tokens``, of ``most``) or by the server's."""
    counted = f"about {tokens:,} tokens, and" if tokens else "more tokens than"
    takes = f" {most:,}" if most else ""
    return ModelError(
        f"The question has {counted} {settings.name} takes{takes} here.",
        code="PromptTooLong",
        next="Ask for less, or if the model takes more: export DSPY_AGENT_MODEL_CONTEXT_TOKENS=…",
    )


def _told(settings: ModelSettings, said: str) -> str:
    """Return what the server said, made fit for a terminal and a log."""
    said = said.strip()[: 4 * _SAID]
    if settings.key:
        said = said.replace(settings.key, "[secret]")
    plain = "".join(char if char.isprintable() else " " for char in said)
    said = without_secrets(plain)[:_SAID]
    return f": {said}" if said else ""
