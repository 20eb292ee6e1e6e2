"""What a model can do, as found out by asking."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

SENSIBLE_CONTEXT: Final = 4096  # what a small model reads on a CPU in a minute or two


@dataclass(frozen=True, slots=True)
class Traits:
    """What a model can do.

    Args:
        context_tokens: of prompt and answer together, as it is used here.
        schema: it answers by a JSON schema.
        tools: it calls tools.
        thinking: it thinks before it answers, unless told not to.
        most_tokens: what the model could take at most.
    """

    context_tokens: int = SENSIBLE_CONTEXT
    schema: bool = True
    tools: bool = False
    thinking: bool = False
    most_tokens: int | None = None
