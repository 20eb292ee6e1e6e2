"""Plays Strimzi's Topic Operator: KafkaTopics become topics of a real broker, and get the conditions it sets.

Runs in a pod with the agent's image. Environment: NAMESPACE, CLUSTER (the label's value), BOOTSTRAP.
Shapes of finalizer, conditions and reasons follow Strimzi's unidirectional Topic Operator.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import UTC, datetime
from typing import Any

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic, ResourceType
from kubernetes import client, config

GROUP, VERSION, PLURAL = "kafka.strimzi.io", "v1", "kafkatopics"
FINALIZER = "strimzi.io/topic-operator"


def main() -> None:
    config.load_incluster_config()
    api = client.CustomObjectsApi()
    admin = AdminClient({"bootstrap.servers": os.environ["BOOTSTRAP"]})
    namespace, cluster = os.environ["NAMESPACE"], os.environ["CLUSTER"]
    while True:
        try:
            found = api.list_namespaced_custom_object(
                GROUP, VERSION, namespace, PLURAL, label_selector=f"strimzi.io/cluster={cluster}"
            )
            for topic in found["items"]:
                reconcile(api, admin, topic)
        except (client.ApiException, KafkaException) as error:
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
        time.sleep(0.5)


def reconcile(api: Any, admin: AdminClient, topic: dict[str, Any]) -> None:
    meta = topic["metadata"]
    name = topic["spec"].get("topicName") or meta["name"]
    if meta.get("annotations", {}).get("strimzi.io/managed") == "false":
        if "deletionTimestamp" in meta:
            set_finalizers(api, meta, [])
            return
        return set_status(api, topic, name, "Unmanaged", None)
    if "deletionTimestamp" in meta:
        for future in admin.delete_topics([name], operation_timeout=10).values():
            try:
                future.result()
            except KafkaException as error:
                if error.args[0].name() != "UNKNOWN_TOPIC_OR_PART":
                    raise
        return set_finalizers(api, meta, [])
    if FINALIZER not in meta.get("finalizers", []):
        set_finalizers(api, meta, [FINALIZER])
    if topic.get("status", {}).get("observedGeneration") == meta["generation"]:
        return None
    return set_status(api, topic, name, "Ready", put(admin, name, topic["spec"]))


def put(admin: AdminClient, name: str, spec: dict[str, Any]) -> tuple[str, str] | None:
    """Make the topic as the spec says; return reason and message of what went wrong."""
    settings = {key: str(value) for key, value in (spec.get("config") or {}).items()}
    known = admin.list_topics(timeout=10).topics
    try:
        if name not in known:
            # Left out, both are the broker's defaults.
            new = NewTopic(name, spec.get("partitions", -1), spec.get("replicas", -1), config=settings)
            admin.create_topics([new])[name].result()
            return None
        there = len(known[name].partitions)
        if spec.get("partitions", there) < there:
            return "NotSupported", "Decreasing partitions not supported"
        if spec.get("partitions", there) > there:
            admin.create_partitions([NewPartitions(name, spec["partitions"])])[name].result()
        if settings:
            resource = ConfigResource(ResourceType.TOPIC, name, set_config=settings)
            next(iter(admin.alter_configs([resource]).values())).result()
    except KafkaException as error:
        return "KafkaError", error.args[0].str()
    return None


def set_finalizers(api: Any, meta: dict[str, Any], finalizers: list[str]) -> None:
    body = {"metadata": {"finalizers": finalizers, "resourceVersion": meta["resourceVersion"]}}
    changed = api.patch_namespaced_custom_object(
        GROUP, VERSION, meta["namespace"], PLURAL, meta["name"], body
    )
    meta["resourceVersion"] = changed["metadata"]["resourceVersion"]


def set_status(api: Any, topic: dict[str, Any], name: str, kind: str, wrong: tuple[str, str] | None) -> None:
    meta = topic["metadata"]
    condition = {
        "type": kind,
        "status": "False" if wrong else "True",
        "lastTransitionTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    if wrong:
        condition |= {"reason": wrong[0], "message": wrong[1]}
    status = {"observedGeneration": meta["generation"], "topicName": name, "conditions": [condition]}
    api.patch_namespaced_custom_object_status(
        GROUP, VERSION, meta["namespace"], PLURAL, meta["name"], {"status": status}
    )


if __name__ == "__main__":
    main()
