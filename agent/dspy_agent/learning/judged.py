"""Judges policies by what was logged here: what each would have earned in place of the one that chose.

Each is asked again at every logged decision, with the weights that were known then and under the mask of
then. How that becomes an estimate is :mod:`dspy_agent_core.bandit.ope`'s.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from dspy_agent.learning.history import History, is_decision, nothing_learned
from dspy_agent.learning.prior_file import prior_of
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.ope import Estimate, Estimates, estimate
from dspy_agent_core.bandit.policies import POLICIES, Greedy, Policy, policy

ENOUGH_DECISIONS: Final = 50
ENOUGH_EFFECTIVE: Final = 25.0
BEST: Final = "best"
NAMES: Final = (*POLICIES, BEST)

Verdict = Literal["better", "worse", "no difference", "too little to tell"]


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean reward a decision, with its 95 % interval; no ends where a single decision tells none."""

    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Judged:
    """What a policy would have earned. ``effective``: how many decisions of its own that is worth."""

    policy: str
    ips: Interval
    snips: Interval | None
    dr: Interval
    effective: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Judgement:
    """Policies beside what was really earned (``logged``), over ``decisions``; ``others``: not judged by."""

    decisions: int
    others: int
    logged: Interval
    policies: list[Judged]
    next: str


def policy_named(name: object) -> Policy | None:
    """Return the policy of that name, if there is one."""
    if name == BEST:
        return Greedy(optimism=0.0, epsilon=0.0, name=BEST)
    return policy(name) if isinstance(name, str) and name in POLICIES else None


@dataclass(slots=True)
class _Logged:
    """One decision: its place among the tools, and what each policy would have done there."""

    id: str
    action: int
    propensity: float
    predicted: Any
    chances: list[Any]


def judge(workspace: Path, names: Sequence[str], say: Callable[[str], None]) -> Judgement:
    """Judge the policies ``names`` by the log of ``workspace``.

    Raises:
        WorkspaceError: nothing was decided by a policy here, or the log can't be read.
    """
    log = History(workspace)
    rewards = {one.id: one.reward for one in log.earned()}
    asked = [one for name in names if (one := policy_named(name)) is not None]
    logged = _replayed(log, Learner.fresh(prior_of(workspace, say)), asked)
    if not logged:
        error = nothing_learned()
        if rewards:
            error.message = "No decision here was made by a policy: there is nothing to judge one by."
        raise error
    width = max(len(one.predicted) for one in logged)
    earned = np.array([rewards[one.id] for one in logged])
    known = [np.array([one.propensity for one in logged]), np.array([one.action for one in logged])]
    predicted = _rows([one.predicted for one in logged], width)
    found = [
        estimate(earned, known[0], _rows([one.chances[number] for one in logged], width), predicted, known[1])
        for number in range(len(asked))
    ]
    half = 1.959963984540054 * float(earned.std(ddof=1)) / len(earned) ** 0.5 if len(earned) > 1 else np.inf
    mean = float(earned.mean())
    return Judgement(
        decisions=len(logged),
        others=len(rewards) - len(logged),
        logged=_interval(Estimate(mean, mean - half, mean + half)),
        policies=[_judged(one.name, each, mean) for one, each in zip(asked, found, strict=True)],
        next=_next(found),
    )


def _replayed(log: History, learner: Learner, asked: Sequence[Policy]) -> list[_Logged]:
    """Return the decisions that policies made, each asked anew before it is learned from."""
    found = []
    for tool in BY_NAME:
        learner.arms.add_arm(tool)
    for event in log.events():
        if is_decision(event) and event.propensity is not None and event.features:
            arms = learner.arms
            place = arms.add_arm(event.tool)
            allowed = ~arms.mask(event.mask)
            allowed[place] = True
            x = arms.vector(event.features)
            chances = [one.choose(arms, x, allowed, 0.5).propensities for one in asked]
            found.append(_Logged(event.id, place, event.propensity, arms.scores(x), chances))
        learner.apply(event)
    return found


def _rows(rows: Sequence[Any], width: int) -> Any:
    """Return rows of one width: tools that joined later could not be chosen before."""
    table = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        table[place, : len(row)] = row
    return table


def _judged(name: str, found: Estimates, logged: float) -> Judged:
    dr = _interval(found.dr)
    verdict: Verdict = "no difference"
    if found.decisions < ENOUGH_DECISIONS or found.effective < ENOUGH_EFFECTIVE:
        verdict = "too little to tell"
    elif found.dr.low > logged:
        verdict = "better"
    elif found.dr.high < logged:
        verdict = "worse"
    snips = None if found.snips is None else _interval(found.snips)
    return Judged(name, _interval(found.ips), snips, dr, round(found.effective, 1), verdict)


def _interval(found: Estimate) -> Interval:
    ends = [round(end, 4) if np.isfinite(end) else None for end in (found.low, found.high)]
    return Interval(round(found.value, 4), *ends)


def _next(found: Sequence[Estimates]) -> str:
    fewest = min(one.decisions for one in found)
    if fewest < ENOUGH_DECISIONS:
        return f"Use it on: {ENOUGH_DECISIONS - fewest} more decisions, then judge again."
    if min(one.effective for one in found) < ENOUGH_EFFECTIVE:
        return "Let it explore more, so that its log tells of other policies too: DSPY_AGENT_POLICY=thompson"
    return "To act by another one: export DSPY_AGENT_POLICY=NAME"
