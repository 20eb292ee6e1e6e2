"""Runs one tool and prints its answer: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent_core.contracts.results import to_jsonable
from dspy_agent_core.errors import AgentError

FOUND, NOTHING_FOUND = 0, 1


def run_and_print(tool: Tool, arguments: Any, context: ToolContext, *, as_json: bool) -> int:
    """Run ``tool``, print its result or its error, and return the exit code."""
    try:
        result = tool.load_run()(arguments, context)
    except AgentError as error:
        return print_error(error, as_json=as_json)
    if as_json:
        print_json(to_jsonable(result))
    else:
        from rich.console import Console

        tool.load_render()(result, arguments, Console(highlight=False, soft_wrap=True))
    for note in tool.load_notes()(result, arguments):
        sys.stderr.write(f"{note}\n")
    return FOUND if result else NOTHING_FOUND


def print_error(error: AgentError, *, as_json: bool) -> int:
    """Tell the user of ``error`` and return its exit code."""
    if as_json:
        print_json(error.to_json())
    else:
        sys.stderr.write(f"error: {error.message}\n  next: {error.next}\n")
    return error.exit_code


def print_json(value: Any) -> None:
    """Print one JSON object on a line."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")
