"""The event log as people ask about it: decisions, each with what came of it. It is never held whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader
from dspy_agent_core.errors import UsageError, WorkspaceError

if TYPE_CHECKING:
    from dspy_agent_core.contracts.messages import LearningEvent


@dataclass(slots=True)
class Decision:
    """A choice, and what came of it so far."""

    event: LearningEvent
    later: list[LearningEvent] = field(default_factory=list)

    @property
    def id(self) -> str:
        """The decision's id."""
        return self.event.decision_id

    @property
    def reward(self) -> float:
        """What it earned so far, as it was learned: within -1..1."""
        earned = 0.0
        for event in (self.event, *self.later):
            earned = added(earned, event.reward)
        return earned


@dataclass(frozen=True, slots=True)
class Earned:
    """What is plotted of a decision."""

    id: str
    ts: str
    tool: str
    policy: str
    reward: float


class History:
    """The log of ``workspace``.

    Attributes:
        count: how many events it has, after it was read.
        damaged: how many of its lines were none.
    """

    def __init__(self, workspace: Path) -> None:
        self._log = workspace / LOG_NAME
        self.count = self.damaged = 0

    def events(self) -> Iterator[LearningEvent]:
        """Yield each event once, oldest first.

        Raises:
            WorkspaceError: ``LogUnreadable``.
        """
        reader, seen = Reader(self._log), set[str]()
        try:
            for event in reader:
                if event.id not in seen:
                    seen.add(event.id)
                    yield event
        except OSError as error:
            raise unreadable(self._log.name, error) from None
        self.count, self.damaged = len(seen), reader.passed_over.total()

    def find(self, name: str | None, *, suggested: bool = False) -> Decision:
        """Return the decision ``name``, of which the beginning is enough; the last one without a name.

        With ``suggested`` that is the last one that was suggested, where there is any.

        Raises:
            WorkspaceError: ``NothingLearned``, ``LogUnreadable``.
            UsageError: ``UnknownDecision``.
        """
        found: dict[str, Decision] = {}
        any_at_all = False
        for event in self.events():
            if is_decision(event):
                any_at_all = True
                if name is None:
                    if (
                        event.features
                        or not suggested
                        or not any(one.event.features for one in found.values())
                    ):
                        found = {event.id: Decision(event)}
                elif event.id.startswith(name):
                    found[event.id] = Decision(event)
            elif event.decision_id in found:
                found[event.decision_id].later.append(event)
        if not any_at_all:
            raise nothing_learned()
        if name in found:
            return found[name]
        if len(found) == 1:
            return next(iter(found.values()))
        raise UsageError(
            f"There is no decision {name!r:.40}."
            if not found
            else f"More than one decision begins with {name!r}.",
            code="UnknownDecision",
            next="The last ones are listed by: dspy-agent rl status",
        )

    def find_last(self, session: str) -> Decision | None:
        """Return the last decision of a session.

        Raises:
            WorkspaceError: ``LogUnreadable``.
        """
        found: Decision | None = None
        for event in self.events():
            if is_decision(event):
                found = Decision(event) if event.session == session else found
            elif found is not None and event.decision_id == found.id:
                found.later.append(event)
        return found

    def earned(self) -> list[Earned]:
        """Return what each decision earned, oldest first.

        Raises:
            WorkspaceError: ``LogUnreadable``.
        """
        made: dict[str, Earned] = {}
        rewards: dict[str, float] = {}
        for event in self.events():
            rewards[event.decision_id] = added(rewards.get(event.decision_id, 0.0), event.reward)
            if is_decision(event):
                made[event.id] = Earned(event.id, event.ts, event.tool, event.policy.name, 0.0)
        return [Earned(one.id, one.ts, one.tool, one.policy, rewards[one.id]) for one in made.values()]


def is_decision(event: LearningEvent) -> bool:
    """Return whether ``event`` is a choice itself, not what came of one."""
    return event.id == event.decision_id


def added(earned: float, reward: float | None) -> float:
    """Return ``earned`` and ``reward`` together, within -1..1."""
    return max(-1.0, min(1.0, earned + (reward or 0.0)))


def nothing_learned() -> WorkspaceError:
    """Return the error for a workspace without a decision."""
    return WorkspaceError(
        "Nothing was learned here yet.",
        code="NothingLearned",
        next="Search (dspy-agent esearch 'parse dates'), or ask: dspy-agent suggest 'where are dates parsed'",
    )


def unreadable(name: str, error: OSError) -> WorkspaceError:
    """Return the error for a file of learning that can't be read."""
    return WorkspaceError(
        f"{name} can't be read: {(error.strerror or str(error)).lower()}.",
        code="LogUnreadable",
        next="Make it readable, or set it aside: dspy-agent rl reset",
    )
