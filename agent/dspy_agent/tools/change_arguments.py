"""The arguments of the tools that change files. Light on imports, as ``arguments``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer


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
