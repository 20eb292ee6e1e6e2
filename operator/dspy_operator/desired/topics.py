"""Topics: KafkaTopics where Strimzi runs Kafka, else a Job that makes them on the brokers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, Final

import orjson

from dspy_agent_core.contracts.topics import Topics, TopicSpec, app_topics, shared_topics
from dspy_operator.api.streaming import StreamingSpec
from dspy_operator.children import BATCH_JOB, KAFKA_TOPIC, Child, topics_name
from dspy_operator.desired.common import (
    ANNOTATION_CONFIG,
    ANNOTATION_RETAINED_FOR,
    TOPICS,
    Context,
    checksum,
    child,
    labels,
)
from dspy_operator.desired.kafka import (
    STRIMZI_CLUSTER,
    default_prefix,
    prefix_of,
    stream_variables,
)
from dspy_operator.desired.pods import (
    TMP_MOUNT,
    TMP_VOLUME,
    agent_image,
    harden,
    pod_defaults,
    resources,
)

# The kubelet tries again, ever less often: in the end every five minutes, for as long as it takes.
_TRIES: Final = 100_000
_BY_BROKER: Final = -1  # as Kafka itself says it


def build_topics(context: Context) -> list[Child]:
    """Return the children that make the workspace's topics."""
    streaming = context.spec.streaming
    if streaming is None:
        return []
    if streaming.kafka.strimzi is None:
        return [_job(context, streaming)]
    if KAFKA_TOPIC not in context.facts.served:
        return []
    cluster = streaming.kafka.strimzi.cluster
    return [_kafka_topic(context, streaming, cluster, topic) for topic in _topics(context, streaming)]


def _topics(context: Context, streaming: StreamingSpec) -> Iterator[TopicSpec]:
    """Yield the topics; those that all apps share have as many replicas as the brokers give by themselves.

    No app's number would do: apps come and go, and a topic's replicas can't be changed.
    """
    topics = Topics(prefix_of(context.namespace, context.name, streaming))
    for app in streaming.apps or ():
        yield from app_topics(topics, app.name, app.partitions, app.replicas, app.config)
    yield from shared_topics(topics, _BY_BROKER)


def topic_object_name(context: Context, streaming: StreamingSpec, topic: str) -> str:
    """Return the name of a topic's KafkaTopic, another one for each topic: it can't be renamed.

    Under a prefix of the user's own, which may hold what no name of an object may, a hash tells topics apart.
    """
    default = default_prefix(context.namespace, context.name)
    prefix = prefix_of(context.namespace, context.name, streaming)
    rest = topic.removeprefix(prefix)
    if prefix == default:
        return f"{context.name}-{rest}"
    return f"{context.name}-{rest}-{hashlib.sha256(topic.encode()).hexdigest()[:10]}"


def _kafka_topic(context: Context, streaming: StreamingSpec, cluster: str, topic: TopicSpec) -> Child:
    retained = streaming.topic_retain_policy == "Retain"
    spec: dict[str, Any] = {"topicName": topic.name, "partitions": topic.partitions}
    if topic.replicas != _BY_BROKER:
        spec["replicas"] = topic.replicas
    if topic.config:
        spec["config"] = dict(topic.config)
    return child(
        context,
        KAFKA_TOPIC,
        topic_object_name(context, streaming, topic.name),
        TOPICS,
        {"spec": spec},
        owned=not retained,
        more_labels={STRIMZI_CLUSTER: cluster},
        annotations={ANNOTATION_RETAINED_FOR: context.name} if retained else None,
    )


def _job(context: Context, streaming: StreamingSpec) -> Child:
    """Return the Job; its template can't be changed, so its checksum tells when to make it anew."""
    pod = {
        **pod_defaults(context),
        "restartPolicy": "OnFailure",
        "containers": [_container(context, streaming)],
        "volumes": [TMP_VOLUME],
    }
    template = {"metadata": {"labels": labels(context.name, TOPICS)}, "spec": harden(pod)}
    spec = {"suspend": context.suspended, "backoffLimit": _TRIES, "template": template}
    annotations = {ANNOTATION_CONFIG: checksum(template)}
    return child(
        context, BATCH_JOB, topics_name(context.name), TOPICS, {"spec": spec}, annotations=annotations
    )


def _container(context: Context, streaming: StreamingSpec) -> dict[str, Any]:
    apps = [app.model_dump(exclude_none=True) for app in streaming.apps or ()]
    values = {
        **stream_variables(context),
        "DSPY_AGENT_TOPICS_SPEC": orjson.dumps(apps, option=orjson.OPT_SORT_KEYS).decode(),
        "HOME": TMP_MOUNT["mountPath"],
    }
    return {
        "name": TOPICS,
        **agent_image(context),
        "command": ["dspy-agent", "stream", "topics"],
        "env": [{"name": name, "value": value} for name, value in values.items()],
        "resources": resources(None, {"cpu": "50m", "memory": "64Mi"}, {"memory": "256Mi"}),
        "volumeMounts": [TMP_MOUNT],
    }
