"""Why a decision was made: its terms under the weights of then, and the smallest changes that would turn it.

The weights are those of the log before the decision, folded anew, so that nothing about a choice has to be
stored that its events don't say.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from dspy_agent.learning.history import Decision, History, is_decision
from dspy_agent.learning.judged import know_tools, policy_named
from dspy_agent.learning.prior_file import prior_of
from dspy_agent.learning.rewarded_parts import parts
from dspy_agent.suggest.cooldowns import cooldowns
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner, resting
from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.policies import DEFAULT, Policy

_MOST_FLIPS: Final = 5
_HALVINGS: Final = 12
_SAME: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Term:
    """What a feature adds to the score: ``value`` × ``weight``."""

    feature: str
    value: float
    weight: float
    term: float


@dataclass(frozen=True, slots=True)
class Scored:
    """A tool at the time of the choice. ``masked``: it could not be chosen."""

    tool: str
    score: float
    width: float | None
    propensity: float
    masked: bool


@dataclass(frozen=True, slots=True)
class Flip:
    """A change that would have made ``tool`` the preferred one.

    ``feature``: its value were ``to``. ``mask``: ``of`` could be chosen; ``rested`` is how many seconds it
    still had to rest, if that was why not. ``without``: ``of`` could not.
    """

    kind: Literal["feature", "mask", "without"]
    of: str
    tool: str
    value: float | None = None
    to: float | None = None
    rested: float | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """An event that brought a reward: what, when, and its parts."""

    what: str
    ts: str
    reward: float
    parts: dict[str, float]


@dataclass(frozen=True, slots=True)
class Explained:
    """One decision. ``by``: who chose; where that was no policy, ``scores``, ``terms``, ``flips`` are empty.

    ``explained``: the tool that the terms are of: the chosen one, or what was suggested to the model.
    ``explored``: the policy drew a tool that it does not prefer. ``exact``: the weights are those of then.
    """

    decision_id: str
    ts: str
    tool: str
    by: str
    policy: dict[str, str]
    propensity: float | None
    explored: bool
    exact: bool | None
    explained: str | None
    score: float | None
    terms: list[Term]
    scores: list[Scored]
    mask: list[str]
    flips: list[Flip]
    reward: float
    rewards: list[Came]
    outcome: dict[str, Any]


def explain(workspace: Path, name: str | None, say: Callable[[str], None]) -> Explained:
    """Explain the decision ``name``, or the last one that was suggested.

    Raises:
        WorkspaceError: nothing was learned, or the log can't be read.
        UsageError: there is no such decision.
    """
    log = History(workspace)
    decision = log.find(name, suggested=True)
    event = decision.event
    asked = _asked(decision)
    suggested = event.outcome.get("suggested")
    of = event.tool if policy_named(event.policy.name) else suggested if isinstance(suggested, str) else ""
    if asked is None or not event.features or not of:
        return _explained(decision, None, "")
    learner = Learner.fresh(prior_of(workspace, say))
    for before in log.events():
        if before.id == event.id:
            break
        learner.apply(before)
    know_tools(learner.arms, (of, event.tool, *BY_NAME, *event.mask))
    if learner.arms.index(of) is None:
        return _explained(decision, None, "")
    rests = _rests(learner, event.ts, cooldowns(workspace))
    return _explained(decision, _Then(decision, learner.arms, asked, of, rests), of)


class _Then:
    """The choice as it was: ``arms`` with the weights of then, asked in the context of ``decision``."""

    def __init__(
        self, decision: Decision, arms: LinearArms, asked: Policy, of: str, rests: Mapping[str, float]
    ) -> None:
        event = decision.event
        self._rests = rests
        arms.add_features(event.features)
        self._arms, self._asked = arms, asked
        self._x = arms.vector(event.features)
        self._allowed = ~arms.mask(event.mask)
        self._allowed[arms.add_arm(of)] = True
        self.place = arms.add_arm(of)
        self._said = frozenset(event.features)
        self.choice = asked.choose(arms, self._x, self._allowed, 0.5)
        self.preferred = int(np.argmax(self.choice.propensities))

    def terms(self) -> list[Term]:
        """Return what each feature adds to the score, the largest first."""
        theta = self._arms.theta[self.place].tolist()
        found = [
            Term(name, _round(value), _round(weight), _round(value * weight))
            for name, value, weight in zip(self._arms.names, self._x.tolist(), theta, strict=True)
            if value and weight
        ]
        return sorted(found, key=lambda term: -abs(term.term))

    def scores(self) -> list[Scored]:
        """Return all tools, the likeliest first."""
        choice = self.choice
        found = [
            Scored(
                tool,
                _round(choice.scores[place]),
                None if choice.widths is None else _round(choice.widths[place]),
                _round(choice.propensities[place]),
                not self._allowed[place],
            )
            for place, tool in enumerate(self._arms.arms)
        ]
        return sorted(found, key=lambda one: (one.masked, -one.propensity, -one.score))

    def flips(self) -> list[Flip]:
        """Return the smallest changes of one feature each, then what the mask did."""
        found = [flip for j in range(1, len(self._x)) if (flip := self._turned(j)) is not None]
        found.sort(key=lambda flip: abs((flip.to or 0.0) - (flip.value or 0.0)))
        return [*found[:_MOST_FLIPS], *self._unmasked(), *self._without()]

    def _turned(self, j: int) -> Flip | None:
        """Return the smallest change of the feature ``j`` that turns the choice, searched by halving."""
        best: tuple[float, float, int] | None = None
        now = float(self._x[j])
        if self._arms.names[j] not in self._said and not now:
            return None  # nobody knew of it then
        for end in (0.0, 1.0, *([-1.0] if now < 0 else [])):
            if self._prefers(j, end) == self.preferred:
                continue
            stays, turns = now, end
            for _ in range(_HALVINGS):
                middle = (stays + turns) / 2
                if self._prefers(j, middle) == self.preferred:
                    stays = middle
                else:
                    turns = middle
            change = abs(turns - now)
            if best is None or change < best[0]:
                best = change, turns, self._prefers(j, turns)
        if best is None:
            return None
        name, tool = self._arms.names[j], self._arms.arms[best[2]]
        return Flip("feature", name, tool, _round(now), _outward(now, best[1]))

    def _prefers(self, j: int, value: float) -> int:
        x = self._x.copy()
        x[j] = value
        return self._preferred(x, self._allowed)

    def _preferred(self, x: Any, allowed: Any) -> int:
        return int(np.argmax(self._asked.choose(self._arms, x, allowed, 0.5).propensities))

    def _unmasked(self) -> list[Flip]:
        found = []
        for place, tool in enumerate(self._arms.arms):
            if not self._allowed[place]:
                allowed = self._allowed.copy()
                allowed[place] = True
                if self._preferred(self._x, allowed) == place:
                    found.append(Flip("mask", tool, tool, rested=self._rests.get(tool)))
        return found

    def _without(self) -> list[Flip]:
        allowed = self._allowed.copy()
        allowed[self.preferred] = False
        if not allowed.any():
            return []
        names = self._arms.arms
        return [Flip("without", names[self.preferred], names[self._preferred(self._x, allowed)])]


def _asked(decision: Decision) -> Policy | None:
    """Return the policy that chose, or that suggested to a model what to choose."""
    event = decision.event
    suggested = DEFAULT if event.outcome.get("suggested") else None
    return policy_named(event.policy.name) or policy_named(event.outcome.get("suggested_by", suggested))


def _rests(learner: Learner, ts: str, seconds: Mapping[str, float]) -> dict[str, float]:
    """Return how long each tool had to rest at ``ts``, by the cooldowns of today."""
    try:
        now = datetime.fromisoformat(ts).timestamp()
    except (ValueError, OverflowError, OSError):
        return {}
    left = {tool: resting(used, now, seconds.get(tool, 0.0)) for tool, used in learner.last_used.items()}
    return {tool: round(rest, 1) for tool, rest in left.items() if rest > 0}


def _explained(decision: Decision, then: _Then | None, of: str) -> Explained:
    event = decision.event
    logged = event.propensity
    by = event.policy.name if event.policy.name in ("user", "model") else "policy"
    exact = None
    if then is not None and logged is not None:
        exact = abs(float(then.choice.propensities[then.place]) - logged) < _SAME
    return Explained(
        decision_id=decision.id,
        ts=event.ts,
        tool=event.tool,
        by=by,
        policy={"name": event.policy.name, "version": event.policy.version},
        propensity=logged,
        explored=then is not None and by == "policy" and then.preferred != then.place,
        exact=exact,
        explained=of or None,
        score=_round(then.choice.scores[then.place]) if then else None,
        terms=then.terms() if then else [],
        scores=then.scores() if then else [],
        mask=list(event.mask),
        flips=then.flips() if then else [],
        reward=_round(decision.reward),
        rewards=[_came(one) for one in (event, *decision.later)],
        outcome=dict(event.outcome),
    )


def _came(event: Any) -> Came:
    reward = event.reward or 0.0
    use = event.outcome.get("use")
    what = "the step itself" if is_decision(event) else str(use or "told later")
    found: Mapping[str, float] = parts(event.model_dump())
    if abs(sum(found.values()) - reward) > _SAME:  # by other weights than those of this version
        found = {"reward": reward}
    return Came(what, event.ts, _round(reward), {name: _round(value) for name, value in found.items()})


def _outward(now: float, turns: float) -> float:
    """Return ``turns`` in two digits if that is not nearer, so that the change still turns the choice."""
    step = 0.01 if turns > now else -0.01
    rounded = round(turns, 2)
    return rounded if (rounded - turns) * step >= 0 else min(1.0, max(-1.0, round(rounded + step, 2)))


def _round(value: Any) -> float:
    return round(float(value), 4) + 0.0
