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
    "linger.ms": 10,  # a stack trace is one batch: the broker gives all its lines one time
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

_REFUSALS: Final = ("_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "_SSL")
_UNREACHABLE: Final = ("_TRANSPORT", "_TIMED_OUT", "_ALL_BROKERS_DOWN", "_RESOLVE", "REQUEST_TIMED_OUT")


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
    """Ask the broker for its metadata; ``topic_names`` says what may be raised."""
    topic_names(settings, seconds)


def topic_names(settings: StreamSettings, seconds: float) -> frozenset[str]:
    """Return the names of all topics.

    Raises:
        ClusterError: no broker answers in time, or it refuses the connection.
    """
    library = _library()
    said: list[Any] = []
    client = admin(settings, {"log_level": 2, "error_cb": said.append})
    try:
        return frozenset(client.list_topics(timeout=seconds).topics)
    except library.KafkaException as error:
        client.poll(0)
        refusal = next((one for one in said if one.name() in _REFUSALS), None)
        raise cluster_error(refusal or error.args[0], settings.bootstrap) from None


def cluster_error(error: Any, bootstrap: str) -> ClusterError:
    """Return what to tell of a KafkaError that ends a command."""
    name, text = error.name(), error.str().rstrip(".")
    if name in _REFUSALS or name.endswith("AUTHORIZATION_FAILED"):
        return ClusterError(
            f"The broker does not let this client in: {text}.",
            code="NotAuthorized",
            next="Check the credentials in --kafka-config, and what they allow.",
        )
    if name in _UNREACHABLE:
        return ClusterError(
            f"No Kafka broker answers at {bootstrap}: {text}.",
            code="BrokerUnreachable",
            next="Check --bootstrap (or KAFKA_BOOTSTRAP), and that the broker runs.",
        )
    return ClusterError(
        f"Kafka failed: {text} ({name}).", code="KafkaFailed", next="Run it again once that is mended."
    )


def _common(settings: StreamSettings) -> dict[str, Any]:
    return {"bootstrap.servers": settings.bootstrap, "client.id": "dspy-agent"}


def _library() -> Any:
    try:
        import confluent_kafka
    except ImportError:
        raise MissingRequirement(
            "The Kafka client is not installed.",
            code="NoKafkaClient",
            next="In a clone of DSPy Agent: uv tool install './agent[streams]'",
        ) from None
    return confluent_kafka
