"""Suggests by what was learned here: the words that fit each tool, what rests, and the policy's choice."""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from dspy_agent.learning.event import new_decision_id
from dspy_agent.learning.judged import NAMES, policy_named
from dspy_agent.learning.policy_state import Policies, open_policy
from dspy_agent.suggest.because import because
from dspy_agent.suggest.cooldowns import cooldowns
from dspy_agent.suggest.facts import Facts
from dspy_agent.suggest.features import features_of
from dspy_agent.suggest.fill import Words, fill, names
from dspy_agent.suggest.request import Request, Suggestion
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner, resting
from dspy_agent_core.bandit.policies import DEFAULT, Choice, Policy, unit
from dspy_agent_core.errors import UsageError

if TYPE_CHECKING:
    from dspy_agent_core.bandit.linear import LinearArms

VARIABLE: Final = "DSPY_AGENT_POLICY"
_TEMPERATURE: Final = 0.1  # in rewards, of which a first hit that is opened is 0.5
_EXPLORED: Final = "it is tried now and then to learn what helps"


@dataclass(frozen=True, slots=True)
class _Look:
    """A look at a request: what is known, which words fit, and what rests."""

    request: Request
    facts: Facts
    features: dict[str, float]
    filled: dict[str, Words]
    rests: dict[str, float]


class BanditSuggester:
    """Chooses by the policy of the environment, over what each workspace has learned.

    Args:
        policies: opens what a workspace has learned.
        policy: what chooses; None: what DSPY_AGENT_POLICY names.
        clock: epoch seconds.
    """

    def __init__(
        self,
        policies: Callable[[Path], Policies] = open_policy,
        policy: Policy | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._open = policies
        self._policy = policy
        self._clock = clock
        self._opened: dict[Path, Policies] = {}
        self._used: dict[str, float] = {}

    def suggest(self, request: Request) -> list[Suggestion]:
        """Return the tools that fit ``request``: the chosen one, the others, those that rest; best first.

        Raises:
            UsageError: a setting of the cooldowns or the policy is off.
        """
        learner = self._learner(request.workspace)
        look = self._look(request, learner)
        if not look.filled:
            return []
        arms = _with_arms(learner.arms, list(look.filled))
        x = arms.vector(look.features)
        allowed = arms.mask([tool for tool in look.filled if tool not in look.rests])
        policy = self._policy or policy_of()
        decision_id = new_decision_id()
        choice = policy.choose(arms, x, allowed, unit(decision_id)) if allowed.any() else None
        version = (policy.name, f"{policy.version}.{learner.decisions}")
        made = _Made(look, learner, arms, x, choice, version, decision_id)
        return made.suggestions()

    def used(self, tool: str) -> None:
        """Note that ``tool`` runs now: it rests from now on, also where no event is written."""
        self._used[tool] = self._clock()

    def _learner(self, workspace: Path) -> Learner:
        if workspace not in self._opened:
            self._opened[workspace] = self._open(workspace)
        return self._opened[workspace].learner

    def _look(self, request: Request, learner: Learner) -> _Look:
        facts = request.facts or Facts(request.text, request.workspace, request.logs)
        filled = {
            tool: words
            for tool in request.tools
            if tool not in request.mask and (words := fill(tool, facts, request)) is not None
        }
        known = {name: value for name, value in features_of(request, facts).items() if value}
        return _Look(request, facts, known, filled, self._rests(request, learner, filled))

    def _rests(self, request: Request, learner: Learner, filled: Mapping[str, Words]) -> dict[str, float]:
        """Return which tools rest, and how long; none that the task names."""
        seconds, now = cooldowns(request.workspace), self._clock()
        found = {}
        for tool in filled:
            used = [one.get(tool) for one in (learner.last_used, self._used)]
            rest = max(resting(one, now, seconds.get(tool, 0.0)) for one in used)
            if rest > 0 and not names(tool, request.text):
                found[tool] = rest
        return found


@dataclass(frozen=True, slots=True)
class _Made:
    """A choice that was made, and what is told of it."""

    look: _Look
    learner: Learner
    arms: LinearArms
    x: np.ndarray
    choice: Choice | None
    policy: tuple[str, str]
    decision_id: str

    def suggestions(self) -> list[Suggestion]:
        """Return the chosen tool, the others, and those that rest."""
        scores = self.arms.scores(self.x)
        best = self.arms.arms[self.choice.arm] if self.choice is not None else ""

        def order(tool: str) -> tuple[bool, bool, float]:
            return tool in self.look.rests, tool != best, -scores[self._place(tool)]

        tools = sorted(self.look.filled, key=order)
        expected = scores[[self._place(tool) for tool in tools]]
        shares = np.exp((expected - expected.max()) / _TEMPERATURE)
        shares /= shares.sum()
        return [self._suggestion(*one) for one in zip(tools, expected.tolist(), shares.tolist(), strict=True)]

    def _suggestion(self, tool: str, expected: float, share: float) -> Suggestion:
        place, look = self._place(tool), self.look
        terms = self.arms.terms(place, self.x)
        known = self.learner.arms.index(tool)
        helped = known is not None and self.arms.theta[place, 0] > self.arms.start[place, 0]
        propensity = float(self.choice.propensities[place]) if self.choice is not None else 0.0
        why = because(terms, self._average(), look.facts, look.request, helped=helped)
        return Suggestion(
            tool=tool,
            score=share,
            expected=expected,
            because=f"{_EXPLORED}, {why}" if self._is_explored(place) else why,
            words=look.filled[tool],
            features=look.features,
            decision_id=self.decision_id,
            policy=self.policy,
            propensity=propensity or None,
            mask=self._mask(),
            terms=terms,
            rests=look.rests.get(tool, 0.0),
        )

    def _is_explored(self, place: int) -> bool:
        """Return whether it was drawn although the policy prefers another one."""
        choice = self.choice
        return (
            choice is not None
            and place == choice.arm
            and bool(choice.propensities[place] < choice.propensities.max())
        )

    def _average(self) -> dict[str, float]:
        places = [self._place(tool) for tool in self.look.filled]
        if len(places) < 2:
            return {}
        return dict(zip(self.arms.names, (self.arms.theta[places].mean(0) * self.x).tolist(), strict=True))

    def _mask(self) -> tuple[str, ...]:
        could = {tool for tool in self.look.filled if tool not in self.look.rests}
        return tuple(tool for tool in dict.fromkeys((*self.arms.arms, *BY_NAME)) if tool not in could)

    def _place(self, tool: str) -> int:
        place = self.arms.index(tool)
        assert place is not None  # noqa: S101
        return place


def policy_of(environ: Mapping[str, str] = os.environ) -> Policy:
    """Return the policy that DSPY_AGENT_POLICY names; ``best`` never explores.

    Raises:
        UsageError: there is none of that name.
    """
    name = environ.get(VARIABLE, "").strip().lower() or DEFAULT
    policy = policy_named(name)
    if policy is None:
        raise UsageError(
            f"{VARIABLE}={name[:40]} is no policy.",
            code="UnknownPolicy",
            next=f"export {VARIABLE}=NAME, one of {', '.join(NAMES)}",
        )
    return policy


def _with_arms(arms: LinearArms, tools: Sequence[str]) -> LinearArms:
    """Return ``arms`` with ``tools`` among them, from the prior; what was learned is not touched."""
    new = [tool for tool in tools if arms.index(tool) is None]
    if not new:
        return arms
    wider = copy.deepcopy(arms)
    for tool in new:
        wider.add_arm(tool)
    return wider
