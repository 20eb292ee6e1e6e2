"""Carries out a task in plain words: suggest a tool, run it, sum up what came of it."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from dataclasses import replace
from typing import Any, Final

from dspy_agent.cli.output import print_error, print_notes, print_result, results_of
from dspy_agent.cli.parsing import Parsed, parse
from dspy_agent.loop.intent import asked_for
from dspy_agent.suggest.request import (
    Request,
    Suggester,
    Suggestion,
    better_that_rests,
    seconds,
    to_follow,
    told,
)
from dspy_agent.suggest.seen import Seen
from dspy_agent.tools.amounts import count
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import TOOLS
from dspy_agent_core.contracts.results import Hits, LogContext
from dspy_agent_core.errors import AgentError

_TRIES: Final = 3
_MUCH_BETTER: Final = 0.15  # expected reward: what rests is not put aside for something that hardly fits
_LANDS: Final = ("apply", "undo")
_SEARCHES: Final = ("esearch", "vretr", "intel")
_ABOVE: Final = {
    "codectx": "{0}: what it holds, who uses it and what tests it is above.",
    "tree": "the folders of this project and what lies in them are above.",
    "doctor": "all that is needed is here; what would help is marked `warn` above.",
}


def run_task(text: str, context: ToolContext, suggester: Suggester) -> int:
    """Suggest and run tools until one finds something; return 0, or 1 or an error's code if none did."""
    request = Request(
        text,
        context.workspace,
        context.logs,
        tuple(tool.name for tool in TOOLS if not tool.changes),  # what changes files is asked for by its verb
        changes=frozenset(asked_for(text)),
    )
    code = 1
    for _ in range(_TRIES):
        suggestions = suggester.suggest(request)
        suggestion, better = to_follow(suggestions), better_that_rests(suggestions)
        if suggestion is None or (better and better.expected - suggestion.expected > _MUCH_BETTER):
            return _rests(better, suggestion) if better else _nothing(request, code)
        _say(told(suggestions))
        _say(f"$ {shlex.join(suggestion.words)}")
        suggester.used(suggestion.tool)
        try:
            result = _run(suggestion, context)
        except AgentError as error:
            code, result = print_error(error, as_json=False), None
        if result:
            _say("")
            _say(f"summary: {_summary(result, suggestion)}")
            _say(f"next: {' · '.join(_next_steps(result, suggestion, suggestions, request))}")
            return 0
        if result is not None:
            _say(f"{suggestion.tool} found nothing.")
        request = replace(request, seen=(*request.seen, Seen(suggestion.words, found=False)))
    return _nothing(request, code)


def _rests(better: Suggestion, other: Suggestion | None) -> int:
    """Say that the tool that fits rests, and what may be done about it."""
    _say(f"{better.tool} fits best ({better.score:.2f}, because {better.because}).")
    _say("")
    _say(f"summary: {better.tool} ran a moment ago and rests for {seconds(better.rests)} more.")
    commands = [shlex.join(one.words) for one in (better, other) if one is not None]
    _say(f"next: {' · '.join(commands)}")
    return 0


def _nothing(request: Request, code: int) -> int:
    tried = ", ".join(step.tool for step in request.seen) or "no tool"
    _say("")
    _say(f"summary: nothing here matches the words of the task (tried: {tried}).")
    _say("next: name a file, a symbol or a word of the code · tree shows what is here · help lists the verbs")
    return code


def _run(suggestion: Suggestion, context: ToolContext) -> Any:
    parsed = parse(suggestion.words)
    if not isinstance(parsed, Parsed):
        raise TypeError(f"{suggestion.words} is no command")
    tool, arguments = parsed.tool, parsed.arguments
    result = next(results_of(tool, arguments, context, source="session", decision=suggestion))
    print_result(tool, result, arguments, context, as_json=False)
    print_notes(tool, result, arguments)
    return result


def _summary(result: Any, suggestion: Suggestion) -> str:
    if isinstance(result, LogContext):
        return _log_summary(result)
    if isinstance(result, Hits):
        files = Counter(hit.path for hit in result.hits)
        path, most = files.most_common(1)[0]
        where = f"{count(len(result.hits), 'place')} in {count(len(files), 'file')}"
        return f"{suggestion.words[-1]}: {where}, most in {path} ({most})."
    return _ABOVE.get(suggestion.tool, "{0}: what it found is above.").format(suggestion.words[-1])


def _log_summary(result: LogContext) -> str:
    events = result.events
    exceptions = [event for event in events if event.type]
    worst = (exceptions or events)[0]
    message = " ⏎ ".join(line.strip() for line in worst.message.splitlines())
    what = f"{worst.type}: {message}" if worst.type else message
    place = ""
    if worst.frame is not None:
        line = f":{worst.frame.line}" if worst.frame.line else ""
        place = f" at {worst.frame.path}{line}" + (
            f" in {worst.frame.function}" if worst.frame.function else ""
        )
    kinds = f"{count(len(events), 'kind')} of event, {len(exceptions)} with an exception"
    return (
        f"{kinds}, in {result.lines_read:,} lines; the newest that matters: {what}{place} ({worst.count}×)."
    )


def _next_steps(
    result: Any, suggestion: Suggestion, suggestions: list[Suggestion], request: Request
) -> list[str]:
    steps: list[str] = [name for name in _LANDS if name in request.changes and "edit" not in request.changes]
    if isinstance(result, LogContext):
        frame = next((event.frame for event in result.events if event.frame), None)
        if frame is not None and not frame.path.startswith(("/", "<")):
            steps.append(f"codectx {shlex.quote(frame.path)}")
            if frame.function and frame.function.isidentifier():
                steps.append(f"extract {frame.function}")
        steps.append("ctx --since 1h")
    elif isinstance(result, Hits) and result.hits:
        first = result.hits[0]
        steps.append(f"codectx {shlex.quote(first.path)}")
        if suggestion.tool in _SEARCHES and first.symbol:
            steps.append(f"extract {shlex.quote(first.symbol)}")
        elif suggestion.tool != "grep":
            steps.append(f"grep -w -F -- {shlex.quote(suggestion.words[-1])}")
    known = {tool.name for tool in TOOLS}
    others = [shlex.join(s.words) for s in suggestions if s.tool != suggestion.tool][:2]
    steps = [step for step in steps if step.split()[0] in known]
    return list(dict.fromkeys([*steps, *others])) or ["help lists the verbs"]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
