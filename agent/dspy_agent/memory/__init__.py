"""Short lessons from what worked and what failed in a workspace, told again where they fit."""

from __future__ import annotations

from dspy_agent.memory.fit import as_lines, lessons_for
from dspy_agent.memory.lesson import Kind, Lesson
from dspy_agent.memory.store import learn

__all__ = ["Kind", "Lesson", "as_lines", "learn", "lessons_for"]
