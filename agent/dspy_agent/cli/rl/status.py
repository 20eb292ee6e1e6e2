"""``rl status``: what was learned here, at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

import typer

from dspy_agent.cli.output import FOUND, NOTHING_FOUND
from dspy_agent.cli.rl.common import say, show, show_json, workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption
from dspy_agent.tools.amounts import count

if TYPE_CHECKING:
    from dspy_agent.learning.standing import Standing

_EPILOG: Final = """\
$ dspy-agent rl status

$ dspy-agent rl status --json"""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("status", epilog=_EPILOG)(status)


def status(context: typer.Context, workspace: WorkspaceOption = Path(), as_json: JsonOption = False) -> int:
    """Show what was learned here: how often each tool ran, what it earned, what rests, the last decisions."""
    from dspy_agent.learning.history import nothing_learned
    from dspy_agent.learning.standing import standing

    found = standing(workspace_of(context), say)
    if as_json:
        show_json(found)
    else:
        show(_lines(found))
    if not found:
        error = nothing_learned()
        say(f"{error.message}\n  next: {error.next}")
    return FOUND if found else NOTHING_FOUND


def _lines(found: Standing) -> list[str]:
    mean = "" if found.mean_reward is None else f", mean reward {found.mean_reward:+.3f}"
    unsaved = f", {found.unsaved:,} not in the state file yet" if found.unsaved else ""
    damaged = f", {count(found.damaged, 'damaged line')} passed over" if found.damaged else ""
    lines = [
        f"learning   {found.learning}",
        f"policy     {found.policy} {found.policy_version}, from the prior: {found.prior}",
        f"decisions  {found.decisions:,}{mean}",
        f"log        {count(found.events, 'event')}, {found.log_bytes:,} bytes{unsaved}{damaged}",
        f"state      {found.state}",
    ]
    if found.tools:
        lines += ["", f"{'tool':<12} {'ran':>6} {'mean reward':>12} {'learned':>8}"]
    for one in found.tools:
        reward = "-" if one.mean_reward is None else f"{one.mean_reward:+.3f}"
        rests = f"  rests for {one.rests:g} s more" if one.rests else ""
        lines.append(f"{one.tool:<12} {one.uses:>6,} {reward:>12} {one.learned:>8,}{rests}")
    if found.last:
        lines += ["", "last decisions, newest first (dspy-agent rl explain DECISION):"]
        lines += [
            f"  {one.id}  {one.ts}  {one.tool:<10} by {one.policy:<8} {one.reward:+.3f}" for one in found.last
        ]
    return lines
