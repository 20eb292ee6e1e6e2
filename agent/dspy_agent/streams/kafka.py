"""The one place that knows confluent-kafka: clients with the settings that nothing is lost with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from dspy_agent_core.errors import ClusterError, MissingRequirement
from dspy_agent_core.streams.settings import StreamSettings

if TYPE_CHECKING:
    from confluent_kafka import Consumer, Producer
    from confluent_kafka.admin import AdminClient

# Waits are retries of librdkafka's own: an idempotent producer keeps order and sends nothing twice.
_PRODUCER: Final[dict[str, Any]] = {
    "enable.idempotence": True,
    "linger.ms": 2,
    "compression.type": "lz4",
    "message.timeout.ms": 0,  # a broker that is away for minutes loses nothing
    "message.max.bytes": 64 << 20,  # the broker knows what it takes
}
_CONSUMER: Final[dict[str, Any]] = {
    "enable.auto.commit": False,
    "auto.offset.reset": "earliest",
    "partition.assignment.strategy": "cooperative-sticky",
    "isolation.level": "read_committed",
    "fetch.wait.max.ms": 50,
}


def producer(settings: StreamSettings, more: Mapping[str, Any] | None = None) -> Producer:
    """Return a producer; ``more`` has further client properties and callbacks."""
    made: Producer = _library().Producer(
        {**_common(settings), **_PRODUCER, **settings.config, **(more or {})}
    )
    return made


def consumer(settings: StreamSettings, group: str, more: Mapping[str, Any] | None = None) -> Consumer:
    """Return a consumer of ``group`` that commits only what it is told to; ``more`` as for a producer."""
    made: Consumer = _library().Consumer(
        {**_common(settings), **_CONSUMER, "group.id": group, **settings.config, **(more or {})}
    )
    return made


def admin(settings: StreamSettings, more: Mapping[str, Any] | None = None) -> AdminClient:
    """Return an admin client; ``more`` has further client properties and callbacks."""
    _library()
    from confluent_kafka.admin import AdminClient

    return AdminClient({**_common(settings), **settings.config, **(more or {})})


def check_reachable(settings: StreamSettings, seconds: float = 10.0) -> None:
    """Ask the broker for its metadata.

    Raises:
        ClusterError: no broker answers in time.
    """
    library = _library()
    try:
        admin(settings).list_topics(timeout=seconds)
    except library.KafkaException as error:
        raise ClusterError(
            f"No Kafka broker answers at {settings.bootstrap}: {error.args[0].str()}.",
            code="BrokerUnreachable",
            next="Check --bootstrap (or KAFKA_BOOTSTRAP), and that the broker runs.",
        ) from None


def _common(settings: StreamSettings) -> dict[str, Any]:
    return {"bootstrap.servers": settings.bootstrap, "client.id": "dspy-agent"}


def _library() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise MissingRequirement(
            "The Kafka client is not installed.",
            code="NoKafkaClient",
            next="Install it: pip install 'dspy-agent[streams]'.",
        ) from None
    return confluent_kafka
