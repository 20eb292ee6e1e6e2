"""The arguments of each tool. Light on imports: the command line reads this at every start."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer


@dataclass(frozen=True, slots=True)
class LsArguments:
    """Arguments of ``ls``."""

    path: Annotated[str, typer.Argument(help="A folder, relative to the workspace.")] = "."
