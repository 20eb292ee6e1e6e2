"""``memory``: what was learned in this workspace: shown, added to, forgotten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dspy_agent.memory import Lesson, lessons_for
from dspy_agent.memory.store import forget, lessons, remember
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.think_arguments import MemoryArguments
from dspy_agent_core.errors import WorkspaceError


@dataclass(frozen=True, slots=True)
class Lessons:
    """Answer of ``memory``: the lessons, newest or best first. False if there is none."""

    lessons: list[Lesson]

    def __bool__(self) -> bool:
        return bool(self.lessons)


def run(arguments: MemoryArguments, context: ToolContext) -> Lessons:
    """Add or forget a lesson and return it; without either, return those that there are.

    Raises:
        WorkspaceError: ``NoSuchLesson``, or the file can't be written or used.
    """
    workspace = context.workspace
    try:
        if arguments.add is not None:
            return Lessons(
                [remember(workspace, arguments.kind.value, arguments.add, paths=arguments.paths or ())]
            )
        if arguments.forget is not None:
            gone = forget(workspace, arguments.forget)
            if gone is None:
                raise WorkspaceError(
                    f"There is no lesson {arguments.forget}.", code="NoSuchLesson", next="dspy-agent memory"
                )
            return Lessons([gone])
    except OSError as error:
        raise WorkspaceError(
            f"The memory can't be written: {(error.strerror or str(error)).lower()}.",
            code="MemoryUnusable",
            next="Make .dspy_memory.jsonl a file of your own.",
        ) from None
    if arguments.words or arguments.paths:
        return Lessons(lessons_for(workspace, " ".join(arguments.words or ()), arguments.paths or (), 20))
    return Lessons(lessons(workspace)[::-1])


def render(result: Lessons, arguments: MemoryArguments, console: Any) -> None:
    """Print a lesson a line, with its id."""
    for lesson in result.lessons:
        console.out(f"{lesson.id} ", style="dim", end="")
        console.out(f"{lesson.kind}: {visible(lesson.text)}", end="")
        where = ", ".join((*lesson.paths, *lesson.symbols))
        times = f" {lesson.seen}×" if lesson.seen > 1 else ""
        console.out(
            f"  [{visible(where) + '; ' if where else ''}{visible(lesson.source)}{times}]", style="dim"
        )


def notes(result: Lessons, arguments: MemoryArguments) -> list[str]:
    """Say what was done."""
    if arguments.add is not None:
        return ["Remembered."]
    if arguments.forget is not None:
        return ["Forgotten."]
    return [] if result else ["Nothing is remembered here."]
