"""``chat``: a task in plain words, done with tools that a model chooses, answered from what they show."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.tasks import task_text
from dspy_agent.tools.think_arguments import ChatArguments

if TYPE_CHECKING:
    from dspy_agent.loop.step import Conversation


def run(arguments: ChatArguments, context: ToolContext) -> Conversation:
    """Carry out the task; the steps are told on stderr.

    Raises:
        UsageError: ``NoTask``.
        ModelError: there is no model, or it can't be used.
    """
    task = task_text(arguments.task, "chat")
    from dspy_agent.loop.approval import Approver, at_terminal
    from dspy_agent.loop.begin import said_before, talk
    from dspy_agent.loop.limits import Limits
    from dspy_agent.loop.show import on_stderr

    return talk(
        task,
        context,
        Approver(arguments.approval.value, at_terminal()),
        on_stderr(),
        limits=Limits(arguments.steps, arguments.seconds, arguments.tokens),
        before=said_before(context.workspace) if arguments.goes_on else "",
        model_name=arguments.model,
    )


def render(result: Conversation, arguments: ChatArguments, console: Any) -> None:
    """Print the answer (unless it was shown as it came), what it rests on, and the next steps."""
    from dspy_agent.loop.show import streams_answer

    if not streams_answer():
        console.out(f"summary: {visible(result.summary)}")
    print_rest(result, console)


def print_rest(result: Conversation, console: Any) -> None:
    """Print what comes after the answer."""
    for one in result.evidence:
        places = f": {', '.join(one.places)}" if one.places else ""
        console.out(visible(f"  [{one.number}] {one.command}{places}"), style="dim")
    console.out(visible(f"next: {result.next}"))


def notes(result: Conversation, arguments: ChatArguments) -> list[str]:
    """Say why no more was done."""
    said = [visible(note) for note in result.notes or ()]
    return said if result.stopped == "answered" else [*said, f"No further step: {visible(result.stopped)}."]
