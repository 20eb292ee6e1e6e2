"""``rl curve``: what decisions earned over time."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dspy_agent.cli.output import FOUND
from dspy_agent.cli.rl.common import show, show_json, workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from dspy_agent.learning.curve import Bucket
    from dspy_agent.learning.history import Earned

_EPILOG: Final = """\
$ dspy-agent rl curve

$ dspy-agent rl curve --last 200 --tool esearch --json

Each column is the mean reward of equally many decisions. The last ones may still earn something."""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("curve", epilog=_EPILOG)(curve)


def curve(
    context: typer.Context,
    last: Annotated[
        int | None, typer.Option("--last", min=1, metavar="N", show_default=False, help="Only the last N.")
    ] = None,
    tool: Annotated[
        str | None,
        typer.Option("--tool", metavar="NAME", show_default=False, help="Only those of this tool."),
    ] = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Plot what decisions earned over time: yours, the policy's and a model's."""
    from dspy_agent.learning.curve import buckets
    from dspy_agent.learning.history import History, nothing_learned

    earned = History(workspace_of(context)).earned()
    if not earned:
        raise nothing_learned()
    if tool is not None:
        earned = _of_tool(earned, tool)
    earned = earned[-(last or 0) :]
    found = buckets(earned)
    mean = round(sum(one.reward for one in earned) / len(earned), 4)
    if as_json:
        show_json({"decisions": len(earned), "mean_reward": mean, "curve": found})
    else:
        show(list(_lines(found, len(earned), mean)))
    return FOUND


def _of_tool(earned: Sequence[Earned], tool: str) -> list[Earned]:
    from dspy_agent_core.errors import UsageError

    found = [one for one in earned if one.tool == tool]
    if not found:
        raise UsageError(
            f"No decision here was for {tool!r:.40}.",
            code="UnknownTool",
            next=f"One of: {', '.join(sorted({one.tool for one in earned}))}",
        )
    return found


def _lines(found: Sequence[Bucket], decisions: int, mean: float) -> Iterator[str]:
    from dspy_agent.learning.curve import plot

    each = f", {found[0].decisions:,} a column" if found[0].decisions > 1 else ""
    yield f"mean reward of {decisions:,} decisions: {mean:+.3f}{each}"
    encoding = (sys.stdout.encoding or "").lower().replace("-", "")
    yield from plot(found, ascii_only=not encoding.startswith("utf"))
    yield f"{'':>10}decision; from {found[0].ts} on"
