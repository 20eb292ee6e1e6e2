"""What was learned, as a fold over learning events: ``replay(events)`` is the state, bit for bit.

A decision is an event whose ``id`` is its ``decision_id``; what came of it later are events with the same
``decision_id``, each of which adds its ``reward``. Events count once, by ``id``, in whichever order and by
whichever way they arrive. All memory is bounded, however many events there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, TypeVar

import numpy as np

from dspy_agent_core.bandit.curve import Curve
from dspy_agent_core.bandit.linear import LinearArms
from dspy_agent_core.bandit.prior import MOST_ARMS, Floats, Prior
from dspy_agent_core.bandit.saved import load_arms, save_arms
from dspy_agent_core.bandit.seen import Seen
from dspy_agent_core.bandit.state import damaged, pack, seal, unpack_finite, unseal
from dspy_agent_core.contracts.messages import LearningEvent
from dspy_agent_core.errors import AgentError

MOST_PENDING: Final = 256
MOST_ORPHANS: Final = 256
MOST_TOOLS: Final = 128

_Value = TypeVar("_Value")


@dataclass(slots=True)
class Pending:
    """A decision that may still earn something.

    ``x`` is its context (None: nothing is learned from it), ``tick`` how often its arm had learned with it,
    ``number`` the how-manieth decision it was, ``reward`` what it earned so far.
    """

    arm: str
    x: Floats | None
    tick: int
    number: int
    reward: float


class Learner:
    """Folds events into what the policies choose by.

    ``arms`` is what was learned, ``last_used`` when each tool ran last (epoch seconds), ``uses`` and
    ``earned`` how often each ran and what it earned in all, ``curve`` the mean rewards over time.
    """

    def __init__(self, arms: LinearArms) -> None:
        self.arms = arms
        self.last_used: dict[str, float] = {}
        self.uses: dict[str, int] = {}
        self.earned: dict[str, float] = {}
        self.curve = Curve()
        self._pending: dict[str, Pending] = {}
        self._orphans: dict[str, float] = {}
        self._seen = Seen()

    @classmethod
    def fresh(cls, prior: Prior | None = None) -> Learner:
        """Return one that has learned nothing yet."""
        prior = prior or Prior.flat()
        return cls(LinearArms(prior.arms, prior.names, prior=prior))

    @property
    def decisions(self) -> int:
        """How many decisions it knows of."""
        return self.curve.count

    def pending(self, decision_id: str) -> Pending | None:
        """Return what is known of a decision that may still earn something."""
        return self._pending.get(decision_id)

    def apply(self, event: LearningEvent) -> bool:
        """Fold ``event`` in; return False, with nothing changed, if it was seen before."""
        ts = _seconds(event.ts)
        if not self._seen.add(event.id, ts):
            return False
        if event.id == event.decision_id:
            self._decided(event, ts if ts is not None else self._seen.latest)
        else:
            self._came(event.decision_id, event.reward or 0.0)
        return True

    def _decided(self, event: LearningEvent, ts: float) -> None:
        self._note_use(event.tool, ts)
        reward = _clipped(event.reward or 0.0)
        x, place = None, None
        if event.features and (place := self._place(event.tool)) is not None:
            self._know(event.features)
            x = self.arms.vector(event.features)
            self.arms.learn(place, x, reward)
        tick = 0 if place is None else self.arms.counts[place]
        self._pending[event.decision_id] = Pending(event.tool, x, tick, self.curve.count, reward)
        self.curve.begin(reward)
        self.earned[event.tool] += reward
        _bound(self._pending, MOST_PENDING)
        if event.decision_id in self._orphans:
            self._came(event.decision_id, self._orphans.pop(event.decision_id))

    def _came(self, decision_id: str, reward: float) -> None:
        """Add ``reward`` to a decision; its sum stays within -1..1."""
        if not reward:
            return
        pending = self._pending.get(decision_id)
        if pending is None:
            self._orphans[decision_id] = _clipped(self._orphans.pop(decision_id, 0.0) + reward)
            _bound(self._orphans, MOST_ORPHANS)
            return
        more = _clipped(pending.reward + reward) - pending.reward
        if not more:
            return
        pending.reward += more
        self.curve.amend(pending.number, more)
        if pending.arm in self.earned:
            self.earned[pending.arm] += more
        place = self.arms.index(pending.arm)
        if pending.x is not None and place is not None:
            self.arms.amend(place, pending.x, more, self.arms.counts[place] - pending.tick)

    def _note_use(self, tool: str, ts: float) -> None:
        self.last_used.pop(tool, None)
        self.last_used[tool] = ts
        self.uses[tool] = self.uses.pop(tool, 0) + 1
        self.earned[tool] = self.earned.pop(tool, 0.0)
        _bound(self.last_used, MOST_TOOLS)
        _bound(self.uses, MOST_TOOLS)
        _bound(self.earned, MOST_TOOLS)

    def _place(self, tool: str) -> int | None:
        known = self.arms.index(tool)
        return self.arms.add_arm(tool) if known is None and len(self.arms.arms) < MOST_ARMS else known

    def _know(self, features: Mapping[str, float]) -> None:
        before = len(self.arms.names)
        self.arms.add_features(features)
        more = len(self.arms.names) - before
        for pending in self._pending.values() if more else ():
            if pending.x is not None:
                pending.x = np.pad(pending.x, (0, more))

    def snapshot(self) -> dict[str, Any]:
        """Return the state as JSON data."""
        return {
            **save_arms(self.arms),
            "last_used": self.last_used,
            "uses": self.uses,
            "earned": self.earned,
            "curve": self.curve.snapshot(),
            **_saved(self._pending),
            "orphans": self._orphans,
            "seen": self._seen.snapshot(),
        }

    @classmethod
    def restore(cls, state: Mapping[str, Any]) -> Learner:
        """Return the learner whose ``snapshot`` is ``state``.

        Raises:
            StateError: it is none.
        """
        try:
            learner = cls(load_arms(state))
            learner.last_used = {str(tool): float(ts) for tool, ts in state["last_used"].items()}
            learner.uses = {str(tool): int(uses) for tool, uses in state["uses"].items()}
            learner.earned = {str(tool): float(earned) for tool, earned in state["earned"].items()}
            learner.curve = Curve.restore(state["curve"])
            learner._pending = _loaded(state, len(learner.arms.names))
            if any(not 0 <= one.number < learner.decisions for one in learner._pending.values()):
                raise ValueError("no such decision")
            learner._orphans = {str(id): float(reward) for id, reward in state["orphans"].items()}
            learner._seen = Seen.restore(state["seen"])
            return learner
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError, StopIteration, AgentError):
            raise damaged() from None

    def encode(self) -> bytes:
        """Return the state as a file: the same bytes for equal states."""
        return seal(self.snapshot())

    @classmethod
    def decode(cls, data: bytes) -> Learner:
        """Return the learner that ``encode`` wrote.

        Raises:
            StateError: it is damaged, or of a newer version.
        """
        return cls.restore(unseal(data))


def replay(events: Iterable[LearningEvent], prior: Prior | None = None) -> Learner:
    """Return what is learned from ``events``, oldest first."""
    learner = Learner.fresh(prior)
    for event in events:
        learner.apply(event)
    return learner


def resting(last_used: float | None, now: float, cooldown: float) -> float:
    """Return how many seconds a tool with that ``cooldown`` should still rest.

    A use in the future tells of a clock that went back: it holds nobody up.
    """
    if last_used is None or last_used > now:
        return 0.0
    return max(0.0, cooldown - (now - last_used))


def _saved(pending: Mapping[str, Pending]) -> dict[str, Any]:
    contexts = [one.x for one in pending.values() if one.x is not None]
    rows = [[id, one.arm, one.tick, one.number, one.reward, one.x is not None] for id, one in pending.items()]
    return {"pending": rows, "contexts": pack(np.array(contexts, dtype=np.float64))}


def _loaded(state: Mapping[str, Any], size: int) -> dict[str, Pending]:
    contexts = iter(unpack_finite(state["contexts"], -1, size))
    return {
        str(id): Pending(
            str(arm), next(contexts).copy() if learns else None, int(tick), int(number), float(reward)
        )
        for id, arm, tick, number, reward, learns in state["pending"]
    }


def _bound(table: dict[str, _Value], most: int) -> None:
    """Forget the oldest entry, if there are too many."""
    if len(table) > most:
        del table[next(iter(table))]


def _clipped(reward: float) -> float:
    return max(-1.0, min(1.0, reward)) if reward == reward else 0.0


def _seconds(ts: str) -> float | None:
    """Return a time as epoch seconds, or None if it is none; without a zone it is UTC."""
    try:
        time = datetime.fromisoformat(ts)
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
