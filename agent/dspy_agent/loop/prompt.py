"""What the model reads besides its instructions: the task, the project's words, lessons, what was seen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from dspy_agent import instructions, memory
from dspy_agent.loop.observe import Observation
from dspy_agent.model.access import Model

_OWN_WORDS: Final = 500  # tokens of the instructions, the tools and the marks
_LESSONS: Final = 3
_LESSON_CHARACTERS: Final = 400
_RULES_CHARACTERS: Final = 500


class Prompt:
    """The parts of the prompts of one task. What is stable comes first: a server keeps what it has read."""

    def __init__(
        self, task: str, path: str | None, workspace: Path, own_commands: Collection[str], before: str
    ) -> None:
        self.task = task
        self._path = path
        self._workspace = workspace
        self._own_commands = own_commands
        self._before = before

    @cached_property
    def beside(self) -> str:
        """What the project and earlier tasks say: below the user's words."""
        paths = [self._path] if self._path else []
        found = memory.lessons_for(self._workspace, self.task, paths, _LESSONS)
        lessons = memory.as_lines(found, _LESSON_CHARACTERS)
        rules = instructions.read(self._workspace, self._path, most=_RULES_CHARACTERS)
        return _joined(self._before, rules, lessons and f"Lessons from before:\n{lessons}")

    @cached_property
    def asked(self) -> str:
        """The task and what stands beside it."""
        commands = f"The project's own checks: {', '.join(self._own_commands)}" if self._own_commands else ""
        return _joined(self.task, self.beside, commands)

    def observations(self, seen: Sequence[Observation], model: Model, answer_tokens: int) -> str:
        """Return what was seen, the newest last; the oldest gives way where there is no room."""
        room = model.prompt_tokens(answer_tokens) - _OWN_WORDS - model.count(self.asked)
        kept: list[str] = []
        for one in reversed(seen):
            room -= one.tokens
            if room < 0 and kept:
                break
            kept.append(one.data)
        return "\n\n".join(reversed(kept))


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
