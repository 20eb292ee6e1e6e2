"""What the window before held, so that the next one can tell what is new and what rises."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

MAX_COUNTS: Final = 2000


@dataclass(frozen=True, slots=True)
class Baseline:
    """How often each signature came in a window: at most ``MAX_COUNTS`` of them, exceptions first.

    ``templates`` are the texts in which a word was found to vary, with their signatures: they tell that a
    message is not new although its words are.
    """

    counts: dict[str, int] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Return the baseline as plain JSON types."""
        return {"counts": dict(self.counts), "templates": dict(self.templates)}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Baseline:
        """Return the baseline that ``to_json`` wrote."""
        return cls(dict(data.get("counts", {})), dict(data.get("templates", {})))
