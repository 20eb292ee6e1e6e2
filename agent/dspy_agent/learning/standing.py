"""What was learned in a workspace, at a glance."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.history import Earned, History
from dspy_agent.learning.place import learning_folder
from dspy_agent.learning.policy_state import STATE_NAME, Policies, open_policy
from dspy_agent.learning.prior_file import PRIOR_NAME
from dspy_agent.suggest.bandit import policy_of
from dspy_agent.suggest.cooldowns import cooldowns
from dspy_agent_core.bandit.learner import resting

_LAST: Final = 5


@dataclass(frozen=True, slots=True)
class ToolStanding:
    """A tool: how often it ran, its mean reward, how often that was learned from, how long it rests."""

    tool: str
    uses: int
    mean_reward: float | None
    learned: int
    rests: float | None


@dataclass(frozen=True, slots=True)
class Standing:
    """Answer of ``rl status``.

    ``learning``: ``on``, or why not. ``events`` of the log, of which ``unsaved`` are not in the state file
    yet; ``damaged``: lines that were passed over. ``last``: the last decisions, newest first. Without one it
    is False.
    """

    learning: str
    policy: str
    policy_version: str
    prior: str
    decisions: int
    mean_reward: float | None
    events: int
    unsaved: int
    damaged: int
    log_bytes: int
    state: str
    tools: list[ToolStanding]
    last: list[Earned]

    def __bool__(self) -> bool:
        return self.decisions > 0


def standing(workspace: Path, say: Callable[[str], None]) -> Standing:
    """Return what was learned in ``workspace``.

    Raises:
        UsageError: a setting of the policy or the cooldowns is off.
        WorkspaceError: the log can't be read.
    """
    policies = open_policy(workspace, say)
    learner = policies.learner
    log = History(workspace)
    earned = log.earned()
    policy = policy_of()
    total = sum(learner.earned.values())
    uses = sum(learner.uses.values())
    return Standing(
        learning=_learning(workspace),
        policy=policy.name,
        policy_version=policy.version,
        prior=PRIOR_NAME if os.path.lexists(workspace / PRIOR_NAME) else "shipped",
        decisions=learner.decisions,
        mean_reward=round(total / uses, 4) if uses else None,
        events=log.count,
        unsaved=policies.unsaved,
        damaged=log.damaged,
        log_bytes=_size(workspace / LOG_NAME),
        state=_state(policies, workspace),
        tools=_tools(policies, workspace),
        last=earned[: -_LAST - 1 : -1],
    )


def _tools(policies: Policies, workspace: Path) -> list[ToolStanding]:
    learner, seconds, now = policies.learner, cooldowns(workspace), time.time()
    arms = learner.arms
    learned = {arm: int(count) for arm, count in zip(arms.arms, arms.counts, strict=True)}
    found = []
    for tool, uses in learner.uses.items():
        rests = resting(learner.last_used.get(tool), now, seconds.get(tool, 0.0))
        mean = round(learner.earned.get(tool, 0.0) / uses, 4) if uses else None
        found.append(ToolStanding(tool, uses, mean, learned.get(tool, 0), round(rests, 1) or None))
    return sorted(found, key=lambda one: (-one.uses, one.tool))


def _learning(workspace: Path) -> str:
    if learning_folder(workspace) is not None:
        return "on"
    if os.environ.get("DSPY_AGENT_LEARNING", "").lower() == "off":
        return "off: DSPY_AGENT_LEARNING=off"
    return "off: there is no index here yet, or it can't be written"


def _state(policies: Policies, workspace: Path) -> str:
    if policies.newer is not None:
        return "newer"
    return "saved" if (workspace / STATE_NAME).is_file() else "none"


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0
