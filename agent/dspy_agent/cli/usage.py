"""Turns what the command line parser refuses into the one sentence and next step of our own errors."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any

from typer.exceptions import TyperException

from dspy_agent_core.errors import UsageError


def as_usage_error(error: TyperException, words: Sequence[str]) -> UsageError:
    """Return the error for what the parser refused in ``words``."""
    context: Any = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "dspy-agent"
    message = error.format_message().strip().partition(" Did you mean")[0].rstrip(".")
    command = next((word for word in words if not word.startswith("-")), "")
    names = getattr(getattr(context, "command", None), "commands", ())
    near = difflib.get_close_matches(command, names, 1)
    if message.startswith("No such command") and near:
        return UsageError(f"{message}.", code="BadUsage", next=f"Did you mean: {path} {near[0]}")
    return UsageError(f"{message}.", code="BadUsage", next=f"See: {path} --help")
