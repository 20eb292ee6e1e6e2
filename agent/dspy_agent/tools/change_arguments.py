"""The arguments of the tools that change files. Light on imports, as ``arguments``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from dspy_agent.tools.think_arguments import ModelOption


@dataclass(frozen=True, slots=True)
class DiffArguments:
    """Arguments of ``diff``."""

    id: Annotated[
        int | None,
        typer.Argument(
            metavar="[ID]",
            help="A checkpoint: what it changed. Default: the proposal that waits.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class ApplyArguments:
    """Arguments of ``apply``: none."""


@dataclass(frozen=True, slots=True)
class UndoArguments:
    """Arguments of ``undo``."""

    id: Annotated[
        int | None,
        typer.Argument(
            metavar="[ID]",
            help="The checkpoint to take back. Default: the last one that still stands.",
            show_default=False,
        ),
    ] = None


@dataclass(frozen=True, slots=True)
class CheckpointsArguments:
    """Arguments of ``checkpoints``."""

    max: Annotated[int, typer.Option("--max", min=1, help="List at most this many, the newest.")] = 20


@dataclass(frozen=True, slots=True)
class EditArguments:
    """Arguments of ``edit``."""

    task: Annotated[
        list[str] | None,
        typer.Argument(metavar="TASK...", help="What is to be changed, in plain words.", show_default=False),
    ] = None
    file: Annotated[
        list[str] | None,
        typer.Option("--file", "-f", metavar="PATH", help="Change this file, or write it if it is new."),
    ] = None
    symbol: Annotated[
        list[str] | None,
        typer.Option("--symbol", "-s", metavar="NAME", help="Change this symbol: Class.method or PATH:name."),
    ] = None
    test: Annotated[
        list[str] | None,
        typer.Option("--test", metavar="ID", help="A test that should pass then, as PATH::name."),
    ] = None
    candidates: Annotated[
        int,
        typer.Option(
            "--candidates",
            min=0,
            max=32,
            help="Ask the model for at most this many whole definitions; 0: ask no model.",
        ),
    ] = 4
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="No candidate is begun after this many seconds.")
    ] = 300.0
    more: Annotated[
        bool, typer.Option("--more", help="Other candidates for the proposal's task, or for TASK.")
    ] = False
    apply: Annotated[bool, typer.Option("--apply", help="Land it at once if it is verified.")] = False
    model: ModelOption = None
