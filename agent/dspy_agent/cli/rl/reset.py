"""``rl reset``: begin to learn anew. Nothing is deleted."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from dspy_agent.cli.output import FOUND, NOTHING_FOUND, print_json
from dspy_agent.cli.rl.common import workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption

_EPILOG: Final = """\
$ dspy-agent rl reset

$ dspy-agent rl reset --yes

The state and the event log are set aside, as .dspy_rl_state.json.aside and .dspy_rl_events.jsonl.aside (in
place of what was set aside before); learning begins anew from the prior. To have it back, rename them.
A state file that is lost or damaged needs no reset: it is made anew from the log."""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("reset", epilog=_EPILOG)(reset)


def reset(
    context: typer.Context,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")] = False,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Set aside what was learned here, and begin anew."""
    from dspy_agent.learning.exclude import keep_from_git
    from dspy_agent.learning.policy_state import reset as set_aside
    from dspy_agent_core.errors import WorkspaceError

    folder = workspace_of(context)
    _confirm(yes, folder)
    try:
        done = [f"{name}.aside" for name in set_aside(folder)]
    except OSError as error:
        raise WorkspaceError(
            f"What was learned can't be set aside: {(error.strerror or str(error)).lower()}.",
            code="NotReset",
            next="Make the workspace writable, or try again when no other process is learning.",
        ) from None
    for name in done:
        keep_from_git(folder, name)
    if as_json:
        print_json({"set_aside": done})
    else:
        said = f"Set aside: {', '.join(done)}. Learning begins anew." if done else "Nothing was learned here."
        sys.stdout.write(f"{said}\n")
    return FOUND if done else NOTHING_FOUND


def _confirm(yes: bool, folder: Path) -> None:
    from dspy_agent_core.errors import UsageError

    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(
            "What was learned is set aside only if you say so.",
            code="NotConfirmed",
            next="Say it: dspy-agent rl reset --yes",
        )
    typer.confirm(f"Set all that was learned in {folder} aside?", abort=True, err=True)
