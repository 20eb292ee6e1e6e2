"""``suggest``: the tool that the bandit would use for a task, why, and the next best. Nothing is run."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.console import visible
from dspy_agent.tools.tasks import task_text
from dspy_agent.tools.think_arguments import SuggestArguments

if TYPE_CHECKING:
    from collections.abc import Sequence

    from dspy_agent.suggest.request import Suggestion


@dataclass(frozen=True, slots=True)
class Suggested:
    """A tool, its share among those that fit (0..1), why, and the command that it stands for."""

    tool: str
    score: float
    because: str
    command: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Answer of ``suggest``: the pick, and the next best. False if no tool fits, or all that do rest.

    ``resting``: the seconds that tools which fit still rest.
    """

    decision_id: str | None = None
    tool: str | None = None
    score: float | None = None
    because: str | None = None
    command: str | None = None
    next_best: Suggested | None = None
    resting: dict[str, float] | None = field(default=None)

    def __bool__(self) -> bool:
        return self.tool is not None


def run(arguments: SuggestArguments, context: ToolContext) -> Answer:
    """Return the suggestion; a run of its command within minutes is told as its outcome.

    Raises:
        UsageError: ``NoTask``, or a setting of the suggestions is off.
    """
    text = task_text(arguments.task, "suggest")
    from dspy_agent.loop.intent import asked_for
    from dspy_agent.suggest.bandit import BanditSuggester
    from dspy_agent.suggest.request import Request, to_follow
    from dspy_agent.tools.registry import TOOLS

    changes = frozenset(asked_for(text))
    names = tuple(tool.name for tool in TOOLS if not tool.changes or tool.name in changes)
    request = Request(
        text,
        context.workspace,
        context.logs,
        names,
        changes=changes,
        model=_model_listens(context),
        commands=_commands(context) if "run" in changes else (),
    )
    found = BanditSuggester().suggest(request)
    first = to_follow(found)
    if first is not None:
        _remember(first, context)
    return _answer(found, first)


def render(result: Answer, arguments: SuggestArguments, console: Any) -> None:
    """Print the pick and the next best, each with its command."""
    if result.tool is None:
        return
    _print(console, result.tool, result.score or 0.0, result.because or "", result.command or "")
    if best := result.next_best:
        console.out("next best:", style="dim")
        _print(console, best.tool, best.score, best.because, best.command)


def notes(result: Answer, arguments: SuggestArguments) -> list[str]:
    """Say what rests, or that nothing fits."""
    said = [
        f"{tool} fits too, and rests for {left:g} s more." for tool, left in (result.resting or {}).items()
    ]
    return said or (
        [] if result else ["No tool fits these words: name a file, a symbol or a word of the code."]
    )


def _print(console: Any, tool: str, score: float, because: str, command: str) -> None:
    console.out(visible(f"{tool} ({score:.2f}, because {because})"))
    console.out(visible(f"  $ {command}"))


def _answer(found: Sequence[Suggestion], first: Suggestion | None) -> Answer:
    resting = {one.tool: round(one.rests, 1) for one in found if one.rests} or None
    if first is None:
        return Answer(resting=resting)
    next_best = next((one for one in found[1:] if not one.rests), None)
    return Answer(
        first.decision_id,
        first.tool,
        round(first.score, 4),
        first.because,
        _command(first),
        Suggested(next_best.tool, round(next_best.score, 4), next_best.because, _command(next_best))
        if next_best
        else None,
        resting,
    )


def _command(suggestion: Suggestion) -> str:
    return shlex.join(("dspy-agent", *suggestion.words))


def _remember(suggestion: Suggestion, context: ToolContext) -> None:
    from dspy_agent.cli.parsing import Parsed, parse
    from dspy_agent.learning.hook import suggested
    from dspy_agent.learning.place import learning_folder
    from dspy_agent.learning.uses import Run
    from dspy_agent.suggest.request import of_decision

    folder, parsed = learning_folder(context.workspace), parse(suggestion.words)
    if folder is not None and isinstance(parsed, Parsed):
        run = Run(suggestion.tool, parsed.arguments, None, 0.0, "cli")
        suggested(of_decision(run, suggestion), context.workspace, folder)


def _model_listens(context: ToolContext) -> bool:
    from dspy_agent.loop.reach import listens
    from dspy_agent.model.settings import model_settings
    from dspy_agent_core.errors import UsageError

    try:
        return listens(model_settings(context.workspace).url)
    except UsageError:
        return False


def _commands(context: ToolContext) -> tuple[str, ...]:
    from dspy_agent.planning.commands import Commands
    from dspy_agent.planning.places import Places

    return tuple(Commands(context.workspace, Places(context.workspace)).offered())
