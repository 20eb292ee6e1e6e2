"""What a tool is. Tools are data here, and their code is imported when one runs."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class ToolContext:
    """Where a tool works: an absolute ``workspace``, and the log files or folders that were named."""

    workspace: Path
    logs: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Tool:
    """One typed tool.

    Args:
        name: the verb, on the command line and in the session.
        summary: one line for ``--help``.
        arguments: a dataclass whose fields are ``Annotated[type, typer.Argument | typer.Option]``.
        run: ``module:function`` of ``(arguments, ToolContext) -> result dataclass``; a result that is
            false found nothing (exit code 1).
        render: ``module:function`` of ``(result, arguments, Console)``; prints the result for people.
        notes: ``module:function`` of ``(result, arguments) -> list[str]``: sentences for stderr, such as
            what was not found or not read.
        follow: ``module:function`` of ``(arguments, ToolContext) -> Iterator[result]``, used where the
            arguments say ``follow``: results as they come.
        cost: typical seconds on a mid-sized repository.
        cooldown: seconds before the same tool is suggested again.
        examples: complete command lines, shown by ``--help``.
        reads_logs: it takes ``--logs``.
        changes: it changes files of the workspace or runs commands: in a session by approval only.
    """

    name: str
    summary: str
    arguments: type
    run: str
    render: str
    cost: float
    cooldown: float
    examples: tuple[str, ...] = ()
    reads_logs: bool = False
    notes: str | None = None
    follow: str | None = None
    changes: bool = False

    def load_run(self) -> Callable[[Any, ToolContext], Any]:
        """Import and return the tool's function."""
        return _load(self.run)

    def load_results(self, arguments: Any) -> Callable[[Any, Any], Iterator[Any]]:
        """Import and return what yields the tool's results: one, or as they come."""
        if self.follow and arguments.follow:
            return _load(self.follow)
        run = self.load_run()
        return lambda arguments, context: iter((run(arguments, context),))

    def load_render(self) -> Callable[[Any, Any, Any], None]:
        """Import and return the tool's printer."""
        return _load(self.render)

    def load_notes(self) -> Callable[[Any, Any], list[str]]:
        """Import and return the function that tells what the result leaves unsaid."""
        return _load(self.notes) if self.notes else _no_notes


def _no_notes(result: Any, arguments: Any) -> list[str]:
    return []


def _load(target: str) -> Callable[..., Any]:
    module, _, name = target.partition(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function
