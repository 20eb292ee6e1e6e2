"""What the window before held, so that the next one can tell what is new and what rises."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from dspy_agent_core.logs.groups import Group, message_signature
from dspy_agent_core.logs.levels import WARNING
from dspy_agent_core.logs.mask import MASK

MAX_COUNTS: Final = 2000
MAX_TEMPLATES: Final = 200


@dataclass(frozen=True, slots=True)
class Baseline:
    """How often each signature came in a window: at most ``MAX_COUNTS`` of them, exceptions first.

    Messages below level warning are not counted. ``templates`` are up to ``MAX_TEMPLATES`` texts in which
    some word was found to vary, with level and signature: a message that one of them covers is not new.
    """

    counts: dict[str, int] = field(default_factory=dict)
    templates: list[tuple[int, str, str]] = field(default_factory=list)

    @classmethod
    def of(cls, groups: Iterable[Group]) -> Baseline:
        """Return what ``groups`` hold, whatever of it is shown."""
        kept = [group for group in groups if group.is_exception or group.level >= WARNING]
        named = [(group.is_exception, group.level, group.seen, group.signature, group) for group in kept]
        named.sort(key=lambda item: (not item[0], -item[1], -item[2], item[3]))
        learned = [
            (group.level, group.template.text, name)
            for _, _, _, name, group in named
            if group.template is not None and group.template.parts
        ]
        return cls({name: seen for _, _, seen, name, _ in named[:MAX_COUNTS]}, learned[:MAX_TEMPLATES])

    def before(self, group: Group) -> int | None:
        """Return how often ``group`` came in this window; None where that was not counted."""
        if group.template is None:
            return self.counts.get(group.signature, 0)
        if group.level < WARNING:
            return None
        found = self.counts.get(group.signature, 0)
        for text in group.template.parts:
            found += self.counts.get(message_signature(group.level, text), 0)
        return found or self._covering(group.level, group.template.words)

    def to_json(self) -> dict[str, Any]:
        """Return the baseline as plain JSON types."""
        return {"counts": dict(self.counts), "templates": [list(item) for item in self.templates]}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Baseline:
        """Return the baseline that ``to_json`` wrote."""
        templates = [(level, text, name) for level, text, name in data["templates"]]
        return cls(dict(data["counts"]), templates)

    def _covering(self, level: int, words: tuple[str, ...]) -> int:
        for known_level, text, name in self.templates:
            known = text.split(" ")
            if known_level == level and len(known) == len(words) and all(map(_covers, known, words)):
                return self.counts.get(name, 0)
        return 0


def _covers(general: str, word: str) -> bool:
    return general in (MASK, word)
