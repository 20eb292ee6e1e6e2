"""Carries out a task in plain words: suggest a tool, run it, sum up what came of it."""

from __future__ import annotations

import shlex
import sys
from collections import Counter
from typing import Any, Final

from dspy_agent.cli.output import print_error, print_notes, print_result, results_of
from dspy_agent.cli.parsing import Parsed, parse
from dspy_agent.session.suggest import Request, Suggester, Suggestion
from dspy_agent.tools.amounts import count
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.registry import TOOLS
from dspy_agent_core.contracts.results import Hits, LogContext
from dspy_agent_core.errors import AgentError

_TRIES: Final = 3
_SEARCHES: Final = ("esearch", "vretr", "intel")
_ABOVE: Final = {
    "codectx": "{0}: what it holds, who uses it and what tests it is above.",
    "tree": "the folders of this project and what lies in them are above.",
    "doctor": "all that is needed is here; what would help is marked `warn` above.",
}


def run_task(text: str, context: ToolContext, suggester: Suggester) -> int:
    """Suggest and run tools until one finds something; return 0, or 1 or an error's code if none did."""
    request = Request(text, context.workspace, context.logs, tuple(tool.name for tool in TOOLS))
    suggestions = suggester.suggest(request)
    code = 1
    for suggestion in suggestions[:_TRIES]:
        _say(f"suggested tool: {suggestion.tool} ({suggestion.score:.2f}, because {suggestion.because})")
        _say(f"$ {shlex.join(suggestion.words)}")
        try:
            result = _run(suggestion, context, suggester.policy)
        except AgentError as error:
            code = print_error(error, as_json=False)
            continue
        if result:
            _say("")
            _say(f"summary: {_summary(result, suggestion)}")
            _say(f"next: {' · '.join(_next_steps(result, suggestion, suggestions))}")
            return 0
        _say(f"{suggestion.tool} found nothing.")
    tried = ", ".join(suggestion.tool for suggestion in suggestions[:_TRIES]) or "no tool"
    _say("")
    _say(f"summary: nothing here matches the words of the task (tried: {tried}).")
    _say("next: name a file, a symbol or a word of the code · tree shows what is here · help lists the verbs")
    return code


def _run(suggestion: Suggestion, context: ToolContext, policy: tuple[str, str]) -> Any:
    parsed = parse(suggestion.words)
    if not isinstance(parsed, Parsed):
        raise TypeError(f"{suggestion.words} is no command")
    tool, arguments = parsed.tool, parsed.arguments
    result = next(results_of(tool, arguments, context, source="session", policy=policy))
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


def _next_steps(result: Any, suggestion: Suggestion, suggestions: list[Suggestion]) -> list[str]:
    steps: list[str] = []
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
