"""What the ``rl`` commands share."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import typer

from dspy_agent.workspace.paths import open_workspace


def workspace_of(context: typer.Context) -> Path:
    """Return the workspace that was named, also before the group: ``--workspace D rl status``."""
    root = context.find_root()
    own, before = (getattr(one.get_parameter_source("workspace"), "name", "") for one in (context, root))
    given = (root if before == "COMMANDLINE" != own else context).params["workspace"]
    return open_workspace(Path(given))


def say(text: str) -> None:
    """Tell people, beside the answer."""
    sys.stderr.write(f"{text}\n")


def show(lines: Sequence[str]) -> None:
    """Print ``lines``: what a log holds must not drive a terminal."""
    from dspy_agent.tools.console import visible

    sys.stdout.write("".join(f"{visible(line)}\n" for line in lines))


def show_json(value: Any) -> None:
    """Print a result of dataclasses as one JSON object."""
    from dspy_agent.cli.output import print_json
    from dspy_agent_core.contracts.results import to_jsonable

    print_json(to_jsonable(value))
