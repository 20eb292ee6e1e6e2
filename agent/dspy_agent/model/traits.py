"""What a model can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from dspy_agent.model.settings import ModelSettings

# What a small model reads on a CPU in a minute or two; a server with a key has faster machines.
SENSIBLE_CONTEXT: Final = {"ollama": 4096, "openai": 32_768}
_UNKNOWN_CONTEXT: Final = 8192
THINKING_TOKENS: Final = 2048  # that a model which can't be kept from thinking gets on top of its answer


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model can do.

    Args:
        context_tokens: of prompt and answer together, as it is used here.
        schema: it answers by a JSON schema.
        tools: it calls tools.
        thinking: it thinks before it answers, unless told not to.
        quiet: it does not think when told not to.
        most_tokens: what it could take at most; None: not known.
    """

    context_tokens: int
    schema: bool = True
    tools: bool = False
    thinking: bool = False
    quiet: bool = True
    most_tokens: int | None = None


def context_in_use(settings: ModelSettings, most_tokens: int | None) -> int:
    """Return how many tokens prompt and answer may have together: as set, or within reason."""
    wanted = settings.context_tokens or SENSIBLE_CONTEXT[settings.server]
    if most_tokens is None:
        return settings.context_tokens or min(wanted, _UNKNOWN_CONTEXT)
    return min(wanted, most_tokens)
