"""Turns what the command line parser refuses into the one sentence and next step of our own errors."""

from __future__ import annotations

import difflib
import re
from typing import Any, Final

from typer.exceptions import TyperException

from dspy_agent_core.errors import UsageError

_WRONG_COMMAND: Final = re.compile(r"No such command '(.*)'", re.S)


def as_usage_error(error: TyperException) -> UsageError:
    """Return the error for what the parser refused."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "dspy-agent"
    message = error.format_message().strip().partition(" Did you mean")[0].rstrip(".")
    wrong = _WRONG_COMMAND.match(message)
    names = getattr(getattr(context, "command", None), "commands", ())
    near = difflib.get_close_matches(wrong[1], names, 1) if wrong else []
    if near:
        return UsageError(f"{message}.", code="BadUsage", next=f"Did you mean: {path} {near[0]}")
    return UsageError(f"{message}.", code="BadUsage", next=f"See: {path} --help")
