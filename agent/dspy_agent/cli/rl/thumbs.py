"""``rl thumbs up|down``: say that a decision was good or bad."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from dspy_agent.cli.output import FOUND
from dspy_agent.cli.rl.common import show_json, workspace_of
from dspy_agent.cli.rl.explain import DecisionArgument
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption

_EPILOG: Final = """\
$ dspy-agent rl thumbs up

$ dspy-agent rl thumbs down 5f2c91

In a session: thumbs up, thumbs down; about its last step."""


class Thumb(StrEnum):
    """Good or bad."""

    UP = "up"
    DOWN = "down"


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("thumbs", epilog=_EPILOG)(thumbs)


def thumbs(
    context: typer.Context,
    thumb: Annotated[Thumb, typer.Argument(help="Whether it was good.", show_default=False)],
    decision: DecisionArgument = None,
    this_session: Annotated[bool, typer.Option("--this-session", hidden=True)] = False,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Say that a decision was good or bad: that counts most of all. The last word counts."""
    from dspy_agent.learning.event import SESSION
    from dspy_agent.learning.thumbs import judge_by_hand

    session = SESSION if this_session else None
    said = judge_by_hand(workspace_of(context), decision, up=thumb is Thumb.UP, session=session)
    if as_json:
        show_json(said)
    else:
        new = "" if said.told else " (as before)"
        sys.stdout.write(
            f"{thumb} for {said.tool}, decision {said.decision_id}: reward {said.reward:+.3f}{new}\n"
        )
    return FOUND
