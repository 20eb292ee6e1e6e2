"""Thumbs up and down: what people say of a decision, told as an event like all that comes of one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dspy_agent.learning.event import LOG_NAME, Choice, encode, new_event
from dspy_agent.learning.history import Decision, History, added
from dspy_agent.learning.log import append
from dspy_agent.learning.rewarded_parts import with_reward
from dspy_agent_core.errors import UsageError, WorkspaceError


@dataclass(frozen=True, slots=True)
class Thumbs:
    """What was said of a decision. ``told``: it is new; ``reward``: what the decision has earned now."""

    decision_id: str
    tool: str
    up: bool
    told: bool
    reward: float


def judge_by_hand(workspace: Path, name: str | None, *, up: bool, session: str | None = None) -> Thumbs:
    """Say that the decision ``name``, or the last one, was good or bad; the last word counts.

    Args:
        workspace: the workspace.
        name: of the decision.
        up: whether it was good.
        session: without a name, the last one of this session.

    Raises:
        WorkspaceError: nothing was decided, or the log can't be read or written.
        UsageError: there is no such decision.
    """
    decision = _found(workspace, name, session)
    event = decision.event
    said = [one for one in decision.later if one.outcome.get("use") == "thumbs"]
    if said and bool(said[-1].outcome.get("up")) == up:
        return Thumbs(decision.id, event.tool, up, False, round(decision.reward, 4))
    choice = Choice(decision.id, event.tool, event.args_hash, (event.policy.name, event.policy.version))
    new = with_reward(
        new_event(
            choice,
            {"use": "thumbs", "up": up},
            id=f"{decision.id}-thumbs-{len(said) + 1}",
            workspace=workspace,
            source="thumbs",
        )
    )
    new["reward"] -= sum(one.reward or 0.0 for one in said)  # what was said before is taken back
    try:
        append(workspace / LOG_NAME, [encode(new)])
    except OSError as error:
        raise WorkspaceError(
            f"{LOG_NAME} can't be written: {(error.strerror or str(error)).lower()}.",
            code="LogUnwritable",
            next="Make it writable, or make room on its disk.",
        ) from None
    return Thumbs(decision.id, event.tool, up, True, round(added(decision.reward, new["reward"]), 4))


def _found(workspace: Path, name: str | None, session: str | None) -> Decision:
    log = History(workspace)
    if session is None or name is not None:
        return log.find(name)
    found = log.find_last(session)
    if found is None:
        raise UsageError(
            "No step of this session was noted yet.",
            code="NothingToJudge",
            next="Judge an earlier one: rl thumbs up DECISION (rl status lists them)",
        )
    return found
