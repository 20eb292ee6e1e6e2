"""``plan``: typed steps for a task, by a model, from evidence, and checked against what is here."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from typing import Any, Final

from dspy_agent.planning.step import Plan
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.stages import stages, token_counter
from dspy_agent.tools.tasks import task_text
from dspy_agent.tools.think_arguments import PlanArguments
from dspy_agent_core.errors import ModelError

_ANSWER_TOKENS: Final = 600
_MOST_EVIDENCE_TOKENS: Final = 1000  # a small model on a CPU reads fifty a second
_CHARACTERS_A_TOKEN: Final = 3
_OWN_WORDS: Final = 300  # tokens of the instructions around
_LESSONS: Final = 4
_STYLES: Final = {"low": "", "medium": "yellow", "high": "bold red"}


def run(arguments: PlanArguments, context: ToolContext) -> Plan:
    """Plan the task.

    Raises:
        UsageError: ``NoTask``.
        ModelError: there is no model, or it can't be used.
    """
    task = task_text(arguments.task, "plan")
    with stages() as tell:
        return _planned(task, arguments, context, tell)


def _planned(task: str, arguments: PlanArguments, context: ToolContext, tell: Callable[[str], None]) -> Plan:
    from dspy_agent import instructions, memory
    from dspy_agent.model.access import open_model
    from dspy_agent.modules.registry import load_module
    from dspy_agent.planning.checks import checked, next_command, wants_new_file
    from dspy_agent.planning.commands import Commands
    from dspy_agent.planning.evidence import evidence_for
    from dspy_agent.planning.places import Places

    try:
        model = open_model(context.workspace, overrides={"name": arguments.model})
    except ModelError as error:
        error.next += f"; without a model: dspy-agent intel --query {shlex.quote(task)}"
        raise
    tell("gathering evidence")
    evidence = evidence_for(task, context)
    places = Places(context.workspace, evidence.known)
    commands = Commands(context.workspace, places)
    first = evidence.files[0] if evidence.files else None
    rules = instructions.read(context.workspace, first, most=600)
    lessons = memory.as_lines(memory.lessons_for(context.workspace, task, evidence.files, _LESSONS))
    beside = "\n".join(part for part in (rules, lessons and f"Lessons from before:\n{lessons}") if part)
    room = model.prompt_tokens(_ANSWER_TOKENS) - _OWN_WORDS - model.count(task) - model.count(beside)
    known = evidence.packed(_CHARACTERS_A_TOKEN * max(100, min(room, _MOST_EVIDENCE_TOKENS)))
    tell(f"{model.settings.name} plans")
    count = token_counter(tell, f"{model.settings.name} plans")
    with model.answering(answer_tokens=_ANSWER_TOKENS, temperature=0.0, on_text=count):
        said = load_module("plan", context.workspace)(
            task=task,
            evidence=f"{known}\n{beside}".strip(),
            files=evidence.files,
            commands=commands.offered(),
            new_files=wants_new_file(task),
        )
    steps, notes = checked(said.steps, places, commands, task)
    notes = [*evidence.notes, *notes]
    return Plan(said.summary.strip(), steps, next_command(steps, task), notes or None, evidence.files)


def render(result: Plan, arguments: PlanArguments, console: Any) -> None:
    """Print the summary, a step a line with its risk and check, and the next command."""
    console.out(visible(result.summary), style="bold")
    for number, step in enumerate(result.steps, 1):
        new = " (new)" if step.new else ""
        console.out(f"{number}. {step.action} {step.path}{new}".rstrip(), style=_STYLES[step.risk], end="")
        console.out(f"  [{step.risk} risk]", style="dim")
        if step.command:
            console.out(f"   $ {visible(step.command)}")
        if step.check:
            console.out(f"   check: {visible(step.check)}", style="dim")
    console.out(f"next: {visible(result.next)}")


def notes(result: Plan, arguments: PlanArguments) -> list[str]:
    """Say what the checks mended or left out."""
    said = [visible(note) for note in result.notes or ()]
    return said if result else [*said, "No step of the plan can be taken here."]
