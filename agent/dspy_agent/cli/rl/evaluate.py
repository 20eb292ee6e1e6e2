"""``rl eval``: what other policies would have earned here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dspy_agent.cli.output import FOUND
from dspy_agent.cli.rl.common import say, show, show_json, workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption
from dspy_agent.tools.amounts import count

if TYPE_CHECKING:
    from dspy_agent.learning.judged import Interval, Judgement

_EPILOG: Final = """\
$ dspy-agent rl eval

$ dspy-agent rl eval --policy greedy --policy thompson --json

Only decisions that a policy made count, by how likely it was to make them. Three estimates of the mean
reward of a decision, with 95 % intervals: IPS is unbiased and jumps, SNIPS is steadier and a little biased,
DR (doubly robust) leans on what was learned. Trust DR, and none where they are far apart. The gain is what
DR is more than what was earned; worth is how many decisions of its own the policy would need for it."""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("eval", epilog=_EPILOG)(evaluate)


def evaluate(
    context: typer.Context,
    policies: Annotated[
        list[str] | None,
        typer.Option(
            "--policy",
            metavar="NAME",
            show_default=False,
            help="greedy, linucb, thompson or best (repeatable). Default: all.",
        ),
    ] = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Tell from the log what other policies would have earned here, with intervals."""
    from dspy_agent.learning.judged import NAMES, judge
    from dspy_agent_core.errors import UsageError

    names = tuple(dict.fromkeys(policies or NAMES))
    if unknown := [name for name in names if name not in NAMES]:
        raise UsageError(
            f"There is no policy {unknown[0]!r:.40}.",
            code="UnknownPolicy",
            next=f"One of: {', '.join(NAMES)}",
        )
    found = judge(workspace_of(context), names, say)
    if as_json:
        show_json(found)
    else:
        show(list(_lines(found)))
    return FOUND


def _lines(found: Judgement) -> Iterator[str]:
    others = f" ({found.others:,} more were made by you or a model)" if found.others else ""
    made = count(found.decisions, "decision")
    yield f"{made} of policies{others}; mean reward {_interval(found.logged)}"
    yield f"{'policy':<10} {'DR':>24} {'gain':>24} {'SNIPS':>7} {'IPS':>7} {'worth':>7}"
    for one in found.policies:
        snips = "-" if one.snips is None else f"{one.snips.value:+.3f}"
        yield (
            f"{one.policy:<10} {_interval(one.dr):>24} {_interval(one.gain):>24} {snips:>7}"
            f" {one.ips.value:>+7.3f} {one.effective:>7g}  {one.verdict}"
        )
    yield f"next: {found.next}"


def _interval(found: Interval) -> str:
    if found.low is None or found.high is None:
        return f"{found.value:+.3f} (no interval)"
    return f"{found.value:+.3f} ({found.low:+.3f}..{found.high:+.3f})"
