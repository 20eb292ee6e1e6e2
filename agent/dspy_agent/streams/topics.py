"""Makes the topics as they should be, or says what differs. Safe to run twice, also at once.

Everything is first asked with ``validate_only``, so that a setting the broker refuses changes nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from dspy_agent.streams import kafka
from dspy_agent.streams.topic_plan import TopicPlan, TopicState, plan
from dspy_agent_core.contracts.topics import TopicSpec
from dspy_agent_core.errors import ClusterError
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

Tell = Callable[[str], None]
Answer = TypeVar("Answer")

_ANSWER_SECONDS: Final = 15.0
_LOOK_SECONDS: Final = 3.0  # then it is told that the broker is awaited
_PAUSE_SECONDS: Final = 0.3
# Another one did it at the same time, or the broker is on its way: look again.
_AGAIN: Final = frozenset({"TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS", "UNKNOWN_TOPIC_OR_PART",
                           "NOT_CONTROLLER", "REQUEST_TIMED_OUT", "REASSIGNMENT_IN_PROGRESS",
                           "LEADER_NOT_AVAILABLE", "NETWORK_EXCEPTION", "THROTTLING_QUOTA_EXCEEDED",
                           "_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE"})  # fmt: skip
_REASONS: Final = {
    "TOPIC_AUTHORIZATION_FAILED": "NotAuthorized",
    "CLUSTER_AUTHORIZATION_FAILED": "NotAuthorized",
    "SASL_AUTHENTICATION_FAILED": "NotAuthorized",
    "_AUTHENTICATION": "NotAuthorized",
    "INVALID_REPLICATION_FACTOR": "ReplicationImpossible",
    "INVALID_CONFIG": "InvalidTopicConfig",
}
_NEXT: Final = {
    "NotAuthorized": "Give this client the rights to create, describe and alter topics, or other credentials "
    "by --kafka-config.",
    "ReplicationImpossible": "Ask for as many replicas as there are brokers, or fewer.",
    "InvalidTopicConfig": "Correct the topic's config: see the broker's words.",
    "TopicsFailed": "See the broker's words; then run it again.",
}


@dataclass(slots=True)
class _Contact:
    """What the client's own thread was last told; tells wrong credentials from an absent broker."""

    trouble: Any = None
    refused: Any = None

    def __call__(self, error: Any) -> None:
        self.trouble = error
        if error.name() in ("_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED"):
            self.refused = error


class TopicKeeper:
    """Compares and mends topics.

    Args:
        settings: the cluster.
        wanted: the topics.
        reset: ``wanted`` says all settings: others go back to the broker's default.
        timeout: seconds to wait for the broker, and for changes to be seen.
        tell: takes progress, one line at a time.
    """

    def __init__(
        self,
        settings: StreamSettings,
        wanted: Iterable[TopicSpec],
        *,
        reset: bool,
        timeout: float,
        tell: Tell,
    ) -> None:
        self._settings = settings
        self._wanted = list(wanted)
        self._reset = reset
        self._until = time.monotonic() + timeout
        self._tell = tell
        self._contact = _Contact()
        self._admin: AdminClient = kafka.admin(settings, {"error_cb": self._contact, "log_level": 2})

    def compare(self) -> list[TopicPlan]:
        """Return what differs; waits for the broker.

        Raises:
            ClusterError: BrokerUnreachable, NotAuthorized, TopicsFailed.
        """
        states = self._until_done(self._states)
        return plan(self._wanted, states, reset=self._reset)

    def apply(self) -> list[TopicPlan]:
        """Make the topics as they should be; return what differed before.

        Raises:
            ClusterError: also PartitionsCannotShrink, ReplicationImpossible, InvalidTopicConfig; nothing
                was changed then.
        """
        before = plans = self.compare()
        _refuse_to_shrink(plans)
        self._until_done(partial(self._ask, plans, validate_only=True))
        while any(item.can_be_applied for item in plans):
            self._until_done(partial(self._ask, plans, validate_only=False))
            plans = self.compare()
            _refuse_to_shrink(plans)
            if any(item.can_be_applied for item in plans):
                self._pause("Waiting until the changes are seen.")
        return before

    def _states(self) -> dict[str, TopicState]:
        from confluent_kafka.admin import ConfigResource, ConfigSource

        known = self._admin.list_topics(timeout=_LOOK_SECONDS).topics
        names = [spec.name for spec in self._wanted if spec.name in known and known[spec.name].error is None]
        if not names:
            return {}
        asked = [ConfigResource(ConfigResource.Type.TOPIC, name) for name in names]
        answers = self._admin.describe_configs(asked, request_timeout=_ANSWER_SECONDS)
        states = {}
        for resource, answer in answers.items():
            entries = answer.result().values()
            partitions = known[resource.name].partitions.values()
            states[resource.name] = TopicState(
                name=resource.name,
                partitions=len(partitions),
                replicas=min((len(partition.replicas) for partition in partitions), default=0),
                config={entry.name: entry.value for entry in entries if entry.value is not None},
                own=frozenset(
                    entry.name for entry in entries if entry.source == ConfigSource.DYNAMIC_TOPIC_CONFIG.value
                ),
            )
        return states

    def _ask(self, plans: Sequence[TopicPlan], *, validate_only: bool) -> None:
        from confluent_kafka.admin import NewPartitions, NewTopic

        how = {"validate_only": validate_only, "request_timeout": _ANSWER_SECONDS}
        new = [
            NewTopic(
                item.spec.name,
                num_partitions=item.spec.partitions,
                replication_factor=item.spec.replicas,
                config=dict(item.spec.config),
            )
            for item in plans
            if item.missing
        ]
        more = [NewPartitions(item.spec.name, item.spec.partitions) for item in plans if item.grows]
        other = [_alteration(item) for item in plans if item.settings]
        if new:
            self._results(self._admin.create_topics(new, **how))
        if more:
            self._results(self._admin.create_partitions(more, **how))
        if other:
            altered = self._admin.incremental_alter_configs(other, **how)
            self._results({resource.name: answer for resource, answer in altered.items()})

    def _results(self, answers: dict[str, Future[Any]]) -> None:
        """Wait for all; raise what can't be mended by looking again before what can."""
        from confluent_kafka import KafkaException

        again: Exception | None = None
        for topic, answer in answers.items():
            try:
                answer.result()
            except KafkaException as error:
                if error.args[0].name() not in _AGAIN:
                    raise _refused(error.args[0], topic) from None
                if error.args[0].name() not in ("TOPIC_ALREADY_EXISTS", "INVALID_PARTITIONS"):
                    again = error
        if again is not None:
            raise again

    def _until_done(self, work: Callable[[], Answer]) -> Answer:
        """Do ``work`` until the broker answers it."""
        from confluent_kafka import KafkaException

        while True:
            try:
                return work()
            except KafkaException as error:
                self._admin.poll(0)  # the client's own words
                problem = self._contact.refused or error.args[0]
            if problem.name() not in _AGAIN:
                raise _refused(problem, None)
            if self._left() <= 0:
                raise self._unreachable(problem)
            self._pause(f"Waiting for Kafka at {self._settings.bootstrap}: {problem.str()}")

    def _left(self) -> float:
        return self._until - time.monotonic()

    def _pause(self, why: str) -> None:
        if self._left() <= 0:
            raise ClusterError(
                "The broker took the changes, but does not show them yet.",
                code="TopicsFailed",
                next="Run it again, or with a longer --timeout.",
            )
        self._tell(why)
        time.sleep(_PAUSE_SECONDS)

    def _unreachable(self, problem: Any) -> ClusterError:
        trouble = self._contact.trouble or problem
        return ClusterError(
            f"No Kafka broker answers at {self._settings.bootstrap}: {trouble.str()}.",
            code="BrokerUnreachable",
            next="Check --bootstrap (or KAFKA_BOOTSTRAP), and that the broker runs.",
        )


def _alteration(item: TopicPlan) -> Any:
    from confluent_kafka.admin import AlterConfigOpType, ConfigEntry, ConfigResource

    entries = [
        ConfigEntry(
            setting.what,
            setting.wanted or "",
            incremental_operation=AlterConfigOpType.DELETE
            if setting.wanted is None
            else AlterConfigOpType.SET,
        )
        for setting in item.settings
    ]
    return ConfigResource(ConfigResource.Type.TOPIC, item.spec.name, incremental_configs=entries)


def _refuse_to_shrink(plans: Iterable[TopicPlan]) -> None:
    for item in plans:
        if item.shrinks:
            found = next(one.found for one in item.differences if one.what == "partitions")
            raise ClusterError(
                f"Topic {item.spec.name} has {found} partitions, and {item.spec.partitions} are asked for: "
                "Kafka can't take partitions away.",
                code="PartitionsCannotShrink",
                next=f"Ask for at least {found} partitions, or delete the topic first (its records go too).",
            )


def _refused(error: Any, topic: str | None) -> ClusterError:
    reason = _REASONS.get(error.name(), "TopicsFailed")
    about = f"topic {topic}" if topic else "the request"
    return ClusterError(f"Kafka refuses {about}: {error.str().rstrip('.')}.", code=reason, next=_NEXT[reason])
