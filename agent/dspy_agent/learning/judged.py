"""Judges policies by what was logged here: what each would have earned in place of the one that chose.

Each is asked again at every logged decision, with the weights that were known then and under the mask of
then. How that becomes an estimate is :mod:`dspy_agent_core.bandit.ope`'s.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np

from dspy_agent.learning.history import History, is_decision, nothing_learned
from dspy_agent.learning.prior_file import prior_of
from dspy_agent.tools.amounts import count
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.ope import Estimate, Estimates, estimate, mean_of
from dspy_agent_core.bandit.policies import POLICIES, Greedy, Policy, policy
from dspy_agent_core.bandit.prior import MOST_ARMS, Floats

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
    """What a policy would have earned. ``effective``: how many decisions of its own that is worth.

    ``gain``: what that is more (by the doubly robust estimate) than what was earned, decision by decision.
    """

    policy: str
    ips: Interval
    snips: Interval | None
    dr: Interval
    gain: Interval
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


def know_tools(arms: LinearArms, tools: Iterable[str]) -> None:
    """Let ``arms`` know ``tools``, as far as there is room: a damaged log may name any number of them."""
    for tool in tools:
        if len(arms.arms) < MOST_ARMS:
            arms.add_arm(tool)


@dataclass(slots=True)
class _Logged:
    """One decision: its place among the tools, and what each policy would have done there."""

    id: str
    action: int
    propensity: float
    predicted: Floats
    chances: list[Floats]


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
    table = _Table(logged, np.array([rewards[one.id] for one in logged]))
    found = [table.judged(one.name, number) for number, one in enumerate(asked)]
    return Judgement(
        decisions=len(logged),
        others=len(rewards) - len(logged),
        logged=_mean(table.earned),
        policies=found,
        next=_next(len(logged), found),
    )


class _Table:
    """The logged decisions as arrays. Tools that joined later could not be chosen before."""

    def __init__(self, logged: Sequence[_Logged], earned: Floats) -> None:
        self.earned = earned
        self._logged = logged
        self._width = max(len(one.predicted) for one in logged)
        self._rows = np.arange(len(logged))
        self._taken = np.array([one.action for one in logged])
        self._propensities = np.array([one.propensity for one in logged])
        self._predicted = self._wide([one.predicted for one in logged])

    def judged(self, name: str, number: int) -> Judged:
        """Judge the policy ``name``, the ``number``-th of those that were asked."""
        chances = self._wide([one.chances[number] for one in self._logged])
        known = self.earned, self._propensities, chances, self._predicted, self._taken
        found: Estimates = estimate(*known)
        gain = _mean(self._doubly_robust(chances) - self.earned)
        return Judged(
            policy=name,
            ips=_interval(found.ips),
            snips=None if found.snips is None else _interval(found.snips),
            dr=_interval(found.dr),
            gain=gain,
            effective=round(found.effective, 1),
            verdict=_verdict(found, gain),
        )

    def _doubly_robust(self, chances: Floats) -> Floats:
        """Return each decision's share of the doubly robust estimate, to compare it with what was earned."""
        weights = chances[self._rows, self._taken] / self._propensities
        surprise: Floats = self.earned - self._predicted[self._rows, self._taken]
        shares: Floats = (chances * self._predicted).sum(axis=1) + weights * surprise
        return shares

    def _wide(self, rows: Sequence[Floats]) -> Floats:
        table = np.zeros((len(rows), self._width))
        for place, row in enumerate(rows):
            table[place, : len(row)] = row
        return table


def _replayed(log: History, learner: Learner, asked: Sequence[Policy]) -> list[_Logged]:
    """Return the decisions that policies made, each asked anew before it is learned from."""
    found = []
    arms = learner.arms
    know_tools(arms, BY_NAME)
    for event in log.events():
        if is_decision(event) and event.propensity is not None and event.features:
            know_tools(arms, (event.tool,))
            place = arms.index(event.tool)
            if place is None:
                continue
            allowed = ~arms.mask(event.mask)
            allowed[place] = True
            x = arms.vector(event.features)
            chances = [one.choose(arms, x, allowed, 0.5).propensities for one in asked]
            found.append(_Logged(event.id, place, event.propensity, arms.scores(x), chances))
        learner.apply(event)
    return found


def _verdict(found: Estimates, gain: Interval) -> Verdict:
    if found.decisions < ENOUGH_DECISIONS or found.effective < ENOUGH_EFFECTIVE:
        return "too little to tell"
    if gain.low is not None and gain.low > 0:
        return "better"
    return "worse" if gain.high is not None and gain.high < 0 else "no difference"


def _mean(each: Floats) -> Interval:
    return _interval(mean_of(each))


def _interval(found: Estimate) -> Interval:
    ends = [round(end, 4) if math.isfinite(end) else None for end in (found.low, found.high)]
    return Interval(round(found.value, 4), *ends)


def _next(decisions: int, found: Sequence[Judged]) -> str:
    if decisions < ENOUGH_DECISIONS:
        return f"Judge again after {count(ENOUGH_DECISIONS - decisions, 'more decision')}."
    if better := [one for one in found if one.verdict == "better"]:
        best = max(better, key=lambda one: one.gain.value)
        return f"export DSPY_AGENT_POLICY={best.policy}"
    if all(one.verdict == "too little to tell" for one in found):
        return (
            "Let it explore, so that its log tells of other policies too: export DSPY_AGENT_POLICY=thompson"
        )
    return "Keep the one that acts."
