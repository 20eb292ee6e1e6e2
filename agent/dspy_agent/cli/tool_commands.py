"""Makes a command of each tool of the registry: its options come from the arguments dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dspy_agent.tools.base import Tool, ToolContext

WorkspaceOption = Annotated[Path, typer.Option("--workspace", help="The folder to work in.", show_default="here")]
LogsOption = Annotated[
    list[Path] | None,
    typer.Option("--logs", help="A log file or folder (repeatable). Default: the workspace's usual places."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


def make_command(tool: Tool) -> Callable[..., None]:
    """Return a function with the signature that typer needs for ``tool``."""

    def command(**values: Any) -> None:
        from dspy_agent.cli.output import run_and_print

        context = ToolContext(
            workspace=values.pop("workspace"), logs=tuple(values.pop("logs", None) or ())
        )
        as_json = values.pop("json")
        raise typer.Exit(run_and_print(tool, tool.arguments(**values), context, as_json=as_json))

    command.__signature__ = inspect.Signature(_parameters(tool))  # type: ignore[attr-defined]
    command.__doc__ = tool.summary
    return command


def _parameters(tool: Tool) -> list[inspect.Parameter]:
    hints = get_type_hints(tool.arguments, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=hints[field.name],
            default=inspect.Parameter.empty if field.default is MISSING else field.default,
        )
        for field in fields(tool.arguments)
    ]
    shared: list[tuple[str, Any, Any]] = [("workspace", WorkspaceOption, Path()), ("json", JsonOption, False)]
    if tool.reads_logs:
        shared.insert(1, ("logs", LogsOption, None))
    for name, annotation, default in shared:
        parameters.append(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
        )
    return parameters
