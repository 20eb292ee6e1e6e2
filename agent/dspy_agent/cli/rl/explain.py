"""``rl explain``: why a decision was made, what it earned, and what would have changed it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from dspy_agent.cli.output import FOUND
from dspy_agent.cli.rl.common import say, show, show_json, workspace_of
from dspy_agent.cli.tool_commands import JsonOption, WorkspaceOption

if TYPE_CHECKING:
    from dspy_agent.learning.explained import Explained, Flip

_EPILOG: Final = """\
$ dspy-agent rl explain

$ dspy-agent rl explain 5f2c91 --json

The weights are those of then: the log before the decision is learned anew. A feature's value lies within
-1 and 1; its term is value × weight, and the terms add up to the score, the reward that was expected."""
_MOST_TERMS: Final = 12
_MOST_SCORES: Final = 8

DecisionArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[DECISION]",
        show_default=False,
        help="Its id, or how that begins. Default: the last one.",
    ),
]


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("explain", epilog=_EPILOG)(explain)


def explain(
    context: typer.Context,
    decision: DecisionArgument = None,
    workspace: WorkspaceOption = Path(),
    as_json: JsonOption = False,
) -> int:
    """Show why a decision was made, what it earned, and what would have changed it."""
    from dspy_agent.learning.explained import explain as run

    found = run(workspace_of(context), decision, say)
    if as_json:
        show_json(found)
    else:
        show(list(_lines(found)))
    return FOUND


def _lines(found: Explained) -> Iterator[str]:
    who = {"user": "you chose it", "model": f"the model chose it ({found.policy['version']})"}
    by = who.get(found.by, f"chosen by {found.policy['name']} {found.policy['version']}")
    yield f"{found.decision_id}  {found.ts}  {found.tool}: {by}"
    if found.propensity is not None:
        explored = ", to explore: another one was preferred" if found.explored else ""
        yield f"propensity  {found.propensity:.4f}{explored}"
    if found.explained and found.explained != found.tool:
        yield f"suggested   {found.explained}: what follows is about that"
    if found.terms or found.scores:
        yield from _why(found)
    elif found.by == "user":
        yield "No policy was asked, so there are no terms."
    yield from _rewards(found)


def _why(found: Explained) -> Iterator[str]:
    if found.exact is False:
        yield "The weights of then can't be had (the log or the prior is another one): these come near."
    yield ""
    yield f"score {found.score:+.4f} = the sum of value × weight"
    yield f"  {'feature':<18} {'value':>7} {'weight':>9} {'term':>9}"
    for term in found.terms[:_MOST_TERMS]:
        yield f"  {term.feature:<18} {term.value:>7.3f} {term.weight:>+9.4f} {term.term:>+9.4f}"
    if rest := found.terms[_MOST_TERMS:]:
        yield f"  {f'{len(rest)} more':<18} {'':>17} {sum(term.term for term in rest):>+9.4f}"
    yield ""
    yield f"  {'tool':<18} {'score':>8} {'±':>7} {'propensity':>11}"
    free = [one for one in found.scores if not one.masked]
    for one in free[:_MOST_SCORES]:
        width = "" if one.width is None else f"{one.width:.3f}"
        yield f"  {one.tool:<18} {one.score:>+8.4f} {width:>7} {one.propensity:>11.4f}"
    if found.mask:
        yield f"  not to be chosen: {', '.join(found.mask)}"
    yield ""
    yield "what would have changed it:"
    yield from _flips(found.flips)


def _flips(flips: Sequence[Flip]) -> Iterator[str]:
    of = {kind: [flip for flip in flips if flip.kind == kind] for kind in ("feature", "mask", "without")}
    for flip in of["feature"]:
        yield f"  {flip.of} {flip.value:g} → {flip.to:g}: {flip.tool}"
    if not of["feature"]:
        yield "  no single feature"
    for flip in of["mask"]:
        if flip.rested:
            yield f"  had {flip.of} not had to rest for {flip.rested:g} s more: {flip.tool}"
    if unfit := [flip.of for flip in of["mask"] if not flip.rested]:
        yield f"  had they fit the task, each by itself: {', '.join(unfit)}"
    for flip in of["without"]:
        yield f"  without {flip.of}: {flip.tool}"


def _rewards(found: Explained) -> Iterator[str]:
    yield ""
    yield f"reward so far {found.reward:+.4f}"
    for one in found.rewards:
        parts = ", ".join(f"{name} {value:+.4f}" for name, value in one.parts.items())
        yield f"  {one.reward:+.4f}  {one.what}{f': {parts}' if parts else ''}"
