"""``chat``: a task in plain words, done with tools that a model chooses, answered from what they show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.queries import query_text
from dspy_agent.tools.think_arguments import ChatArguments

if TYPE_CHECKING:
    from dspy_agent.loop.step import Conversation


def run(arguments: ChatArguments, context: ToolContext) -> Conversation:
    """Carry out the task; the steps are told on stderr.

    Raises:
        UsageError: ``NoQuery``.
        ModelError: there is no model, or it can't be used.
    """
    task = query_text(arguments.task, None, "chat")
    from dspy_agent.loop.approval import Approver, at_terminal
    from dspy_agent.loop.converse import Setting, Talk
    from dspy_agent.loop.limits import Limits
    from dspy_agent.loop.show import on_stderr
    from dspy_agent.model.access import open_model
    from dspy_agent.session.suggest import LinearSuggester

    setting = Setting(
        context,
        open_model(context.workspace),
        LinearSuggester(),
        Approver(arguments.approval.value, at_terminal()),
        on_stderr(),
        Limits(arguments.steps, arguments.seconds, arguments.tokens),
        _before(context.workspace) if arguments.goes_on else "",
    )
    return Talk(task, setting).hold()


def _before(workspace: Path) -> str:
    """Return what was asked and answered in the last conversation of the workspace."""
    from dspy_agent.loop.trajectory import latest, read

    path = latest(workspace)
    records = list(read(path)) if path else []
    tasks = [str(one.get("task", "")) for one in records if one.get("kind") == "task"]
    answers = [str(one.get("answer", "")) for one in records if one.get("kind") == "end"]
    if not tasks:
        return ""
    return f"Before that the task was: {tasks[-1][:300]}\nThe answer was: {(answers or [''])[-1][:600]}"


def render(result: Conversation, arguments: ChatArguments, console: Any) -> None:
    """Print the answer (unless it was shown as it came), what it rests on, and the next steps."""
    from dspy_agent.loop.show import streams_answer

    if not streams_answer():
        console.out(f"summary: {visible(result.summary)}")
    for one in result.evidence:
        places = f": {', '.join(one.places)}" if one.places else ""
        console.out(visible(f"  [{one.number}] {one.command}{places}"), style="dim")
    console.out(visible(f"next: {result.next}"))


def notes(result: Conversation, arguments: ChatArguments) -> list[str]:
    """Say why no more was done."""
    said = [visible(note) for note in result.notes or ()]
    return said if result.stopped == "answered" else [*said, f"No further step: {visible(result.stopped)}."]
