"""Checks of the model server: is it there, has it the model, what can that do. The model is not run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from dspy_agent.doctor.model import OK, WARN, Check
from dspy_agent_core.errors import AgentError

if TYPE_CHECKING:
    from dspy_agent.model.settings import ModelSettings
    from dspy_agent.model.traits import Traits

_SECONDS: Final = 2.0
_SERVERS: Final = {"ollama": "Ollama", "openai": "OpenAI-compatible"}


def model(workspace: Path) -> list[Check]:
    """Check the model that the environment or the workspace names."""
    from dspy_agent.model.listing import digest_of
    from dspy_agent.model.settings import model_settings

    try:
        settings = model_settings(workspace)
        digest = digest_of(settings, _SECONDS)
    except AgentError as error:
        return [Check("model", WARN, error.message, error.next)]
    found = Check("model", OK, f"{settings.name} at {settings.shown_url} ({_SERVERS[settings.server]})")
    try:
        return [found, Check("model can", OK, _traits(settings, digest))]
    except AgentError as error:
        return [found, Check("model can", WARN, error.message, error.next)]


def _traits(settings: ModelSettings, digest: str) -> str:
    from dspy_agent.model.cache import recall
    from dspy_agent.model.listing import claims_of

    known = recall(settings, digest)
    traits = known or claims_of(settings, _SECONDS)
    most = f" of {traits.most_tokens:,}" if traits.most_tokens else ""
    words = [f"context {traits.context_tokens:,}{most} tokens"]
    words.append(f"JSON schema {_yes(traits.schema)}" if known else "JSON schema is tried at first use")
    if known or settings.server == "ollama":
        words.append(f"tools {_yes(traits.tools)}")
        words.append(f"thinking {_thinking(traits)}")
    return " · ".join(words)


def _thinking(traits: Traits) -> str:
    if not traits.thinking:
        return "no"
    return "turned off" if traits.quiet else "can't be turned off"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
