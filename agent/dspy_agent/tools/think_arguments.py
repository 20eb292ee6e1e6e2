"""The arguments of the tools that ask a model. Light: the command line reads this at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

_TASK = Annotated[
    list[str] | None,
    typer.Argument(metavar="TASK...", help="What is to be done, in plain words.", show_default=False),
]


@dataclass(frozen=True, slots=True)
class PlanArguments:
    """Arguments of ``plan``."""

    task: _TASK = None
