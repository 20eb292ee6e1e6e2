"""``rl export`` and ``rl import``: share with a team what was learned."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dspy_agent.cli.output import FOUND, print_json
from dspy_agent.cli.rl.common import say, workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption
from dspy_agent.tools.amounts import count

_EXPORT: Final = """\
$ dspy-agent rl export team.json

It holds weights, names of tools and of features: no argument, path, text or event."""
_IMPORT: Final = """\
$ dspy-agent rl import team.json

It becomes .dspy_rl_prior.json, which may be committed. What this workspace has learned itself stays: its
events are learned again, over the new prior. Delete that file to go back to the prior that ships."""

if TYPE_CHECKING:
    from dspy_agent_core.bandit.prior import Prior

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The file.", show_default=False)]


def register(group: typer.Typer) -> None:
    """Add the commands to ``group``."""
    group.command("export", epilog=_EXPORT)(export)
    group.command("import", epilog=_IMPORT)(import_)


def export(
    context: typer.Context,
    file: FileArgument,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Write what was learned here as a prior, for others to start from."""
    from dspy_agent.learning.history import nothing_learned
    from dspy_agent.learning.policy_state import open_policy
    from dspy_agent.learning.prior_file import export_prior
    from dspy_agent.learning.shared import prior_from

    learner = open_policy(workspace_of(context), say).learner
    if not learner.decisions:
        raise nothing_learned()
    prior = prior_from(learner)
    export_prior(prior, file)
    _tell("exported", file, prior, learner.decisions, as_json=as_json)
    return FOUND


def import_(
    context: typer.Context,
    file: FileArgument,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Start from what others have learned."""
    from dspy_agent.learning.policy_state import open_policy
    from dspy_agent.learning.prior_file import import_prior

    folder = workspace_of(context)
    prior = import_prior(folder, file)
    _tell("imported", file, prior, open_policy(folder, say).learner.decisions, as_json=as_json)
    return FOUND


def _tell(done: str, file: Path, prior: Prior, decisions: int, *, as_json: bool) -> None:
    if as_json:
        found = {"file": str(file), "tools": list(prior.arms), "features": len(prior.names)}
        print_json({**found, "decisions": decisions})
        return
    tools, features = count(len(prior.arms), "tool"), count(len(prior.names), "feature")
    after = (
        f"after {count(decisions, 'decision')}"
        if done == "exported"
        else (f"under {count(decisions, 'decision')} of this workspace")
    )
    sys.stdout.write(f"{done}: {tools}, {features}, {after}\n")
