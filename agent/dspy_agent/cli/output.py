"""Runs one tool and prints its answer: data on stdout, everything else on stderr."""

from __future__ import annotations

import json
import sys
from typing import Any

from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent_core.contracts.results import to_jsonable
from dspy_agent_core.errors import AgentError


def run_and_print(tool: Tool, arguments: Any, context: ToolContext, *, as_json: bool) -> int:
    """Run ``tool``, print its result or its error, and return the exit code."""
    try:
        result = tool.load_run()(arguments, context)
    except AgentError as error:
        return print_error(error, as_json=as_json)
    if as_json:
        sys.stdout.write(json.dumps(to_jsonable(result), ensure_ascii=False) + "\n")
    else:
        from rich.console import Console

        tool.load_render()(result, arguments, Console(highlight=False))
    return 0


def print_error(error: AgentError, *, as_json: bool) -> int:
    """Tell the user of ``error`` and return its exit code."""
    if as_json:
        sys.stdout.write(json.dumps(error.to_json(), ensure_ascii=False) + "\n")
    else:
        sys.stderr.write(f"error: {error.message}\n  next: {error.next}\n")
    return error.exit_code
