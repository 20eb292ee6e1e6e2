"""Reads the words of a tool's command without running it, for the session."""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import typer
from typer.exceptions import TyperException

from dspy_agent.cli.tool_commands import add_tools
from dspy_agent.cli.usage import as_usage_error
from dspy_agent.tools.base import Tool
from dspy_agent.tools.registry import TOOLS


@dataclass(frozen=True, slots=True)
class Parsed:
    """A tool's command. ``arguments`` is an instance of ``tool.arguments``; ``logs`` is what was named."""

    tool: Tool
    arguments: Any
    as_json: bool
    logs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Help:
    """The words asked for help: its ``text``."""

    text: str


def parse(words: Sequence[str]) -> Parsed | Help:
    """Return the command in ``words``, whose first word must be a tool's name.

    Raises:
        UsageError: if the words are no command of that tool.
    """
    said = io.StringIO()
    try:
        with redirect_stdout(said):
            result = _parser()(args=list(words), prog_name="dspy-agent", standalone_mode=False)
    except TyperException as error:
        raise as_usage_error(error) from None
    return result if isinstance(result, Parsed) else Help(said.getvalue())


@lru_cache(1)
def _parser() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    app.callback()(_several_commands)
    add_tools(
        app, TOOLS, lambda tool, arguments, workspace, logs, as_json: Parsed(tool, arguments, as_json, logs)
    )
    return app


def _several_commands() -> None:
    """Keep the tool's name a word of the command, even if there is one tool only."""
