"""How a workspace's pods reach Kafka, and how its topics are called there."""

from __future__ import annotations

from typing import Final

from dspy_agent_core.contracts.cluster import ROUTER_PORT
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.children import router_name
from dspy_operator.desired.common import Context

KAFKA_PORT: Final = 9092  # Strimzi's internal listener
APPS_VARIABLE: Final = "DSPY_AGENT_APPS"  # names with spaces between
STRIMZI_CLUSTER: Final = "strimzi.io/cluster"  # label on brokers and KafkaTopics


def bootstrap(context: Context, streaming: StreamingSpec) -> str:
    """Return the brokers to ask first, with commas between."""
    if streaming.kafka.strimzi is None:
        return streaming.kafka.bootstrap_servers or ""
    service = f"{streaming.kafka.strimzi.cluster}-kafka-bootstrap"
    return f"{service}.{context.namespace}.svc.{context.settings.cluster_domain}:{KAFKA_PORT}"


def prefix_of(namespace: str, name: str, streaming: StreamingSpec) -> str:
    """Return what is put before the name of each topic of the workspace."""
    return default_prefix(namespace, name) if streaming.topic_prefix is None else streaming.topic_prefix


def default_prefix(namespace: str, name: str) -> str:
    """Return the prefix of a workspace that names none."""
    return f"{namespace}.{name}."


def stream_variables(context: Context) -> dict[str, str]:
    """Return the variables by which programs find Kafka and their topics; none without streams."""
    streaming = context.spec.streaming
    if streaming is None:
        return {}
    return {
        "KAFKA_BOOTSTRAP": bootstrap(context, streaming),
        "DSPY_AGENT_TOPIC_PREFIX": prefix_of(context.namespace, context.name, streaming),
        APPS_VARIABLE: " ".join(app.name for app in streaming.apps or ()),
    }


def router_variables(context: Context) -> dict[str, str]:
    """Return the variable by which the agent finds the router; none without one."""
    streaming = context.spec.streaming
    if streaming is None or not has_router(streaming):
        return {}
    host = f"{router_name(context.name)}.{context.namespace}.svc.{context.settings.cluster_domain}"
    return {"DSPY_AGENT_ROUTER": f"http://{host}:{ROUTER_PORT}"}


def has_router(streaming: StreamingSpec) -> bool:
    """Whether the agent can ask a router."""
    return bool(streaming.apps) and streaming.router.replicas > 0
