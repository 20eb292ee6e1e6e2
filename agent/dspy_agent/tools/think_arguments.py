"""The arguments of the tools that ask a model. Light: the command line reads this at every start."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import typer

_TASK = Annotated[
    list[str] | None,
    typer.Argument(metavar="TASK...", help="What is to be done, in plain words.", show_default=False),
]

ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="Ask this model, rather than the one of OLLAMA_MODEL or MODEL_NAME.",
        show_default=False,
    ),
]


class Approval(StrEnum):
    """Who lets a tool change files or run commands."""

    AUTO = "auto"
    MANUAL = "manual"
    NEVER = "never"


ApprovalOption = Annotated[
    Approval,
    typer.Option(
        "--approval",
        envvar="DSPY_AGENT_APPROVAL",
        help="Changes and commands: auto, if your task asks for them; manual, if you say yes; never.",
    ),
]


@dataclass(frozen=True, slots=True)
class PlanArguments:
    """Arguments of ``plan``."""

    task: _TASK = None
    model: ModelOption = None


@dataclass(frozen=True, slots=True)
class SuggestArguments:
    """Arguments of ``suggest``."""

    task: _TASK = None


@dataclass(frozen=True, slots=True)
class ChatArguments:
    """Arguments of ``chat``."""

    task: _TASK = None
    approval: ApprovalOption = Approval.MANUAL
    steps: Annotated[int, typer.Option("--steps", min=0, max=100, help="At most this many tools.")] = 8
    seconds: Annotated[
        float, typer.Option("--seconds", min=1, help="No step begins after this many seconds.")
    ] = 300.0
    tokens: Annotated[
        int, typer.Option("--tokens", min=1, help="No step begins after this many tokens, in and out.")
    ] = 20_000
    goes_on: Annotated[
        bool, typer.Option("--continue", "-c", help="Go on from the last conversation here.")
    ] = False
    model: ModelOption = None


@dataclass(frozen=True, slots=True)
class RunArguments:
    """Arguments of ``run``."""

    command: Annotated[
        list[str],
        typer.Argument(
            metavar="COMMAND...", help="A command line in quotes, or a program and its arguments after --."
        ),
    ]
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="It is ended after this long.")] = 120.0


class Kind(StrEnum):
    """What a lesson is about."""

    WORKED = "worked"
    FAILED = "failed"
    FACT = "fact"
    PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class MemoryArguments:
    """Arguments of ``memory``."""

    words: Annotated[
        list[str] | None,
        typer.Argument(metavar="[TEXT]...", help="Only lessons that fit these words.", show_default=False),
    ] = None
    add: Annotated[
        str | None, typer.Option("--add", metavar="TEXT", help="Remember this.", show_default=False)
    ] = None
    kind: Annotated[
        Kind, typer.Option("--kind", help="What is added: what worked, failed, is so, is liked.")
    ] = Kind.FACT
    paths: Annotated[
        list[str] | None,
        typer.Option("--path", metavar="PATH", help="Where it holds (repeatable).", show_default=False),
    ] = None
    forget: Annotated[
        str | None, typer.Option("--forget", metavar="ID", help="Forget this lesson.", show_default=False)
    ] = None
