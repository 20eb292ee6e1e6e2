"""Finding without a model: the agent's own way, and what a test points to by plain rules beside it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.bugs.systems.base import Answer, Place
from benchmarks.bugs.systems.pointed import pointed_to
from benchmarks.bugs.tasks import Task
from dspy_agent.edits import locate
from dspy_agent.tools.base import ToolContext


class Locate:
    """`edit`'s first step alone."""

    name = "locate"
    mends = False

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Return the symbols that `edit` would look at."""
        found = locate(task.text, ToolContext(folder.resolve()))
        return Answer(tuple(Place(one.path, one.line, one.end_line) for one in found))


class Pointed:
    """What the one-shot prompt is given."""

    name = "pointed"
    mends = False

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        """Return the functions of the traceback and those that the test names."""
        found = pointed_to(task, folder)
        return Answer(tuple(Place(one.path, one.first_line, one.last_line) for one in found))
