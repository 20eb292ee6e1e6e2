"""Makes a command of each tool of the registry: its options come from the arguments dataclass."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from dspy_agent.tools.base import Tool

WorkspaceOption = Annotated[
    Path,
    typer.Option(
        "--workspace",
        envvar="DSPY_AGENT_WORKSPACE",
        metavar="DIR",
        readable=False,
        help="The folder to work in.",
    ),
]
LogsOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--logs",
        envvar="DSPY_AGENT_LOGS",
        readable=False,
        metavar="PATH",
        show_default=False,
        help="A log file or folder (repeatable). Default: the workspace's usual places.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]

# What to do with a parsed command: (tool, arguments, workspace, logs, as_json).
Act = Callable[[Tool, Any, Path, tuple[Path, ...], bool], Any]


def add_tools(app: typer.Typer, tools: tuple[Tool, ...], act: Act) -> None:
    """Add a command for each of ``tools`` to ``app``; each calls ``act`` and returns what it returns."""
    for tool in tools:
        epilog = "\n\n".join(f"$ {example}" for example in tool.examples)
        app.command(tool.name, help=tool.summary, epilog=epilog)(_make_command(tool, act))


def _make_command(tool: Tool, act: Act) -> Callable[..., Any]:
    def command(**values: Any) -> Any:
        context = values.pop("typer_context")
        workspace = Path(_named_before(context, "workspace", values.pop("workspace")))
        logs = tuple(map(Path, _named_before(context, "logs", values.pop("logs", None)) or ()))
        as_json = values.pop("json")
        arguments = {
            name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
        }
        return act(tool, tool.arguments(**arguments), workspace, logs, as_json)

    command.__signature__ = inspect.Signature(_parameters(tool))  # type: ignore[attr-defined]
    return command


def _named_before(context: typer.Context, name: str, value: Any) -> Any:
    """Return the option's ``value``, or the one given before the command's name: ``--workspace D ls``."""

    def said(where: Any) -> bool:
        return getattr(where.get_parameter_source(name), "name", "") == "COMMANDLINE"

    parent = context.parent
    return parent.params[name] if parent is not None and said(parent) and not said(context) else value


def _parameters(tool: Tool) -> list[inspect.Parameter]:
    hints = get_type_hints(tool.arguments, include_extras=True)
    shared: list[tuple[str, Any, Any]] = [("workspace", WorkspaceOption, Path()), ("json", JsonOption, False)]
    if tool.reads_logs:
        shared.insert(1, ("logs", LogsOption, None))
    own: list[tuple[str, Any, Any]] = [("typer_context", typer.Context, MISSING)]
    own += [(field.name, hints[field.name], field.default) for field in fields(tool.arguments)]
    return [
        inspect.Parameter(
            name,
            inspect.Parameter.KEYWORD_ONLY,
            annotation=annotation,
            default=inspect.Parameter.empty if default is MISSING else default,
        )
        for name, annotation, default in own + shared
    ]
