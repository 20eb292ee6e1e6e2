"""What is to be done so that topics are as they should be: a pure comparison."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from dspy_agent_core.contracts.topics import TopicSpec

PARTITIONS: Final = "partitions"
REPLICAS: Final = "replicas"


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as it is.

    Args:
        replicas: the smallest number of any of its partitions.
        config: each setting in effect.
        own: the names of those that were set for this topic.
    """

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]
    own: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Difference:
    """Something of a topic that is not as it should be.

    ``what`` is ``partitions``, ``replicas`` or the name of a setting, whose ``wanted`` is None where the
    broker's default should hold.
    """

    what: str
    found: str | None
    wanted: str | None


@dataclass(frozen=True, slots=True)
class TopicPlan:
    """What is to be done for one topic: create it, or change what differs. False if nothing."""

    spec: TopicSpec
    missing: bool = False
    differences: tuple[Difference, ...] = ()

    def __bool__(self) -> bool:
        return self.missing or bool(self.differences)

    @property
    def shrinks(self) -> bool:
        """Whether there are more partitions than wanted: Kafka can't take one away."""
        return any(
            item.what == PARTITIONS and int(item.found or 0) > int(item.wanted or 0)
            for item in self.differences
        )

    @property
    def grows(self) -> bool:
        """Whether partitions are to be added."""
        return not self.shrinks and any(item.what == PARTITIONS for item in self.differences)

    @property
    def settings(self) -> tuple[Difference, ...]:
        """The settings to change."""
        return tuple(item for item in self.differences if item.what not in (PARTITIONS, REPLICAS))

    @property
    def can_be_applied(self) -> bool:
        """Whether there is something that a broker can be asked for; replicas can't be changed so."""
        return self.missing or self.grows or bool(self.settings)


def plan(wanted: Iterable[TopicSpec], found: Mapping[str, TopicState], *, reset: bool) -> list[TopicPlan]:
    """Compare; one plan for each wanted topic, in order.

    With ``reset`` the specs say all: a setting that a topic has of its own and no spec names goes back to
    the broker's default.
    """
    plans = []
    for spec in wanted:
        state = found.get(spec.name)
        if state is None:
            plans.append(TopicPlan(spec, missing=True))
        else:
            plans.append(TopicPlan(spec, differences=tuple(_differences(spec, state, reset))))
    return plans


def _differences(spec: TopicSpec, state: TopicState, reset: bool) -> Iterator[Difference]:
    if state.partitions != spec.partitions:
        yield Difference(PARTITIONS, str(state.partitions), str(spec.partitions))
    if state.replicas != spec.replicas:
        yield Difference(REPLICAS, str(state.replicas), str(spec.replicas))
    for name, value in sorted(spec.config.items()):
        if not _equal(state.config.get(name), value):
            yield Difference(name, state.config.get(name), value)
    for name in sorted(state.own - spec.config.keys()) if reset else ():
        yield Difference(name, state.config.get(name), None)


def _equal(found: str | None, wanted: str) -> bool:
    """Compare as the broker reads: spaces after commas, ``0.50`` and ``True`` make no difference."""
    if found is None:
        return False
    left, right = (value.replace(" ", "").lower() for value in (found, wanted))
    if left == right:
        return True
    try:
        return float(left) == float(right)
    except ValueError:
        return False
