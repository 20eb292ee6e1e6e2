"""Runs one tool and prints its answer: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dspy_agent.learning.place import TOOLS, learning_folder, may_be_awaited
from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent_core.contracts.results import to_jsonable
from dspy_agent_core.errors import AgentError

if TYPE_CHECKING:
    from dspy_agent.suggest.request import Suggestion

FOUND, NOTHING_FOUND, BROKEN_PIPE = 0, 1, 141


def run_and_print(
    tool: Tool, arguments: Any, context: ToolContext, *, as_json: bool, source: str = "cli"
) -> int:
    """Run ``tool``, print its results or its error, and return the exit code."""
    code = NOTHING_FOUND
    results = results_of(tool, arguments, context, source=source)
    while True:
        try:
            result = next(results)
        except StopIteration:
            return code
        except AgentError as error:
            return print_error(error, as_json=as_json)
        try:
            print_result(tool, result, arguments, context, as_json=as_json)
        except BrokenPipeError:
            return close_stdout()
        except OSError as error:
            close_stdout()
            return print_error(_output_failed(error), as_json=False)
        print_notes(tool, result, arguments)
        code = FOUND if result else code


def results_of(
    tool: Tool, arguments: Any, context: ToolContext, *, source: str, decision: Suggestion | None = None
) -> Iterator[Any]:
    """Yield the results of ``tool``. What is learned from its use is on disk before one is shown.

    Args:
        tool: what to run.
        arguments: of it.
        context: where.
        source: ``cli`` or ``session``.
        decision: the suggestion that is followed; None if the user chose.
    """
    started = time.perf_counter()
    try:
        for result in tool.load_results(arguments)(arguments, context):
            if tool.changes:
                from dspy_agent.memory.notice import noticed

                noticed(tool.name, result, context.workspace)
            _tell(tool, arguments, result, context, source, started, decision)
            yield result
    except AgentError:
        if decision is not None:
            _tell(tool, arguments, None, context, source, started, decision)
        raise


def _tell(
    tool: Tool,
    arguments: Any,
    result: Any,
    context: ToolContext,
    source: str,
    started: float,
    decision: Suggestion | None,
) -> None:
    """Tell what came of a run (None: it failed), where that is learned from."""
    folder = learning_folder(context.workspace)
    if folder is None or not (decision or tool.name in TOOLS or may_be_awaited(tool.name, folder)):
        return
    from dspy_agent.learning.hook import tool_ran
    from dspy_agent.learning.uses import Run

    run = Run(tool.name, arguments, result, 1000 * (time.perf_counter() - started), source)
    if decision is not None:
        from dspy_agent.suggest.request import of_decision

        run = of_decision(run, decision)
    tool_ran(run, context.workspace, folder)


def print_result(tool: Tool, result: Any, arguments: Any, context: ToolContext, *, as_json: bool) -> None:
    """Print ``result`` on stdout, at once.

    Raises:
        OSError: it can't be written.
    """
    if as_json:
        print_json(to_jsonable(result))
    else:
        from dspy_agent.tools.console import ResultConsole

        tool.load_render()(result, arguments, ResultConsole(context.workspace))
    sys.stdout.flush()


def print_notes(tool: Tool, result: Any, arguments: Any) -> None:
    """Print on stderr what ``result`` leaves unsaid."""
    for note in tool.load_notes()(result, arguments):
        sys.stderr.write(f"{note}\n")


def open_missing_streams() -> None:
    """Put an empty stream where the caller has closed one, as ``<&-`` and ``>&-`` do."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode, encoding="utf-8"))


def unexpected(what: str, error: Exception, help: str) -> AgentError:
    """Return what to tell of an error of the program itself in ``what``; ``help`` is the next step."""
    return AgentError(f"{what} failed: {type(error).__name__}: {error}", code="Unexpected", next=help)


def close_stdout() -> int:
    """The reader of our output has gone: say no more, also not at exit; return the exit code for that."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return BROKEN_PIPE


def print_error(error: AgentError, *, as_json: bool) -> int:
    """Tell the user of ``error`` and return its exit code."""
    if as_json:
        print_json(error.to_json())
    else:
        sys.stderr.write(f"error: {error.message}\n  next: {error.next}\n")
    return error.exit_code


def _output_failed(error: OSError) -> AgentError:
    return AgentError(
        f"The output can't be written: {(error.strerror or str(error)).lower()}.",
        code="OutputFailed",
        next="Make room there, or send the output elsewhere.",
    )


def print_json(value: Any) -> None:
    """Print one JSON object on a line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
