"""A real Kafka broker in a namespace, as Strimzi would name and label it, and programs around it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from . import images
from .cluster import KIT, Cluster, Object, wait_for
from .shell import ROOT

IMAGE = "apache/kafka:4.4.0"
CLUSTER = "main"
BOOTSTRAP = f"{CLUSTER}-kafka-bootstrap:9092"
SOURCES = ROOT / "e2e" / "streams"
LABELS = {"strimzi.io/cluster": CLUSTER, "strimzi.io/name": f"{CLUSTER}-kafka"}
TOPIC_CRD = "kafkatopics.kafka.strimzi.io"
# The kit's copy, or the one that Strimzi publishes.
TOPIC_CRD_FILE = KIT / "manifests" / "strimzi-kafkatopic-crd.yaml"
TOPIC_CRD_URL = (
    "https://github.com/strimzi/strimzi-kafka-operator/releases/download/1.2.0/strimzi-crds-1.2.0.yaml"
)

HARDENED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod_spec(*containers: Object, **more: Any) -> Object:
    """Return a restricted pod of these containers."""
    return {
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
            **more.pop("security", {}),
        },
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 5,
        "containers": [{**one, "securityContext": HARDENED} for one in containers],
        **more,
    }  # fmt: skip


def variables(**values: str) -> list[Object]:
    """Return an ``env`` list."""
    return [{"name": name, "value": value} for name, value in values.items()]


def install_broker(cluster: Cluster, namespace: str) -> None:
    """Run one broker whose data outlives its pod, and wait until it answers. Raises Failed."""
    cluster.apply(*_broker(namespace), namespace=namespace)
    wait_for_broker(cluster, namespace)


def stop_broker(cluster: Cluster, namespace: str) -> None:
    """Stop the broker and wait until it is gone. Raises Failed."""
    cluster.kubectl("scale", f"statefulset/{CLUSTER}-kafka", "-n", namespace, "--replicas=0")
    cluster.kubectl(
        "wait", "--for=delete", f"pod/{CLUSTER}-kafka-0", "-n", namespace, "--timeout=60s", timeout=70
    )


def start_broker(cluster: Cluster, namespace: str) -> None:
    """Start the broker again on its data. Raises Failed."""
    cluster.kubectl("scale", f"statefulset/{CLUSTER}-kafka", "-n", namespace, "--replicas=1")
    wait_for_broker(cluster, namespace)


def wait_for_broker(cluster: Cluster, namespace: str) -> None:
    """Wait until the broker's port is open. Raises Failed."""
    cluster.kubectl(
        "rollout", "status", f"statefulset/{CLUSTER}-kafka", "-n", namespace, "--timeout=120s", timeout=130
    )


def install_topic_crd(cluster: Cluster) -> None:
    """Put Strimzi's KafkaTopic into the cluster. Raises Failed."""
    source = str(TOPIC_CRD_FILE) if TOPIC_CRD_FILE.exists() else TOPIC_CRD_URL
    cluster.kubectl("apply", "--server-side", "-f", source)
    cluster.kubectl("wait", "--for=condition=Established", f"crd/{TOPIC_CRD}", "--timeout=30s")


def remove_topic_crd(cluster: Cluster, namespace: str) -> None:
    """Remove the player of the Topic Operator, and the CRD with all its topics. Raises Failed."""
    # In the foreground: it would put its finalizers back while it ends.
    words = (
        "delete",
        "deployment/topic-operator",
        "-n",
        namespace,
        "--ignore-not-found",
        "--cascade=foreground",
    )
    cluster.kubectl(*words, "--timeout=60s", timeout=70)
    if not cluster.get("crd", TOPIC_CRD):
        return
    for topic in cluster.items(TOPIC_CRD, namespace):
        name = topic["metadata"]["name"]
        words = ("patch", TOPIC_CRD, name, "-n", namespace, "--type=merge", "-p")
        cluster.kubectl(*words, '{"metadata":{"finalizers":[]}}')
    cluster.kubectl("delete", "crd", TOPIC_CRD, "--timeout=60s", timeout=70)


def install_topic_operator(cluster: Cluster, namespace: str) -> None:
    """Run the player of Strimzi's Topic Operator. Raises Failed."""
    cluster.apply(*_topic_operator(namespace), namespace=namespace)
    cluster.kubectl(
        "rollout", "status", "deployment/topic-operator", "-n", namespace, "--timeout=90s", timeout=100
    )


def run_shop(
    cluster: Cluster, namespace: str, app: str, prefix: str, *, first: int, last: int, pause: float
) -> str:
    """Run the failing shop with a shipper beside it; return the name of its pod. Raises Failed."""
    name = f"shop-{app}-{first}"
    cluster.apply(
        _file("shop", SOURCES / "shop.py"),
        _shop(name, app, prefix, first, last, pause),
        namespace=namespace,
    )
    return name


def wait_shipped(cluster: Cluster, namespace: str, pod: str, seconds: float) -> None:
    """Wait until the shop has crashed and the shipper has sent all that it wrote. Raises Timeout."""

    def done() -> bool:
        found = cluster.get("pod", pod, namespace) or {}
        states = {one["name"]: one["state"] for one in found.get("status", {}).get("containerStatuses", [])}
        return all("terminated" in states.get(name, {}) for name in ("shop", "ship"))

    wait_for(done, seconds, lambda: f"pod {pod} to end: {cluster.get('pod', pod, namespace)}")


def contexts(cluster: Cluster, namespace: str, workspace: str, app: str, kind: str) -> Object:
    """Return what the contexts of ``app`` hold, as e2e/streams/contexts.py tells it. Raises Failed."""
    return _look(cluster, namespace, workspace, "contexts.py", app, kind)


def learned(cluster: Cluster, namespace: str, workspace: str) -> Object:
    """Return what a workspace has learned, as e2e/streams/learned.py tells it. Raises Failed."""
    return _look(cluster, namespace, workspace, "learned.py")


def _look(cluster: Cluster, namespace: str, workspace: str, source: str, *words: str) -> Object:
    pod = f"{workspace}-agent-0"
    inside = ("exec", "-i", "-n", namespace, pod, "-c", "agent", "--", "python", "-", *words)
    text = cluster.kubectl(*inside, stdin=(SOURCES / source).read_text(), timeout=120)
    found: Object = json.loads(text)
    return found


def _file(name: str, source: Path) -> Object:
    data = {source.name: source.read_text()}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def _broker(namespace: str) -> list[Object]:
    name, service = f"{CLUSTER}-kafka", f"{CLUSTER}-kafka-brokers"
    host = f"{name}-0.{service}.{namespace}.svc.cluster.local"
    env = variables(
        KAFKA_NODE_ID="1",
        KAFKA_PROCESS_ROLES="broker,controller",
        KAFKA_LISTENERS="PLAINTEXT://:9092,CONTROLLER://:9093",
        KAFKA_ADVERTISED_LISTENERS=f"PLAINTEXT://{host}:9092",
        KAFKA_CONTROLLER_LISTENER_NAMES="CONTROLLER",
        KAFKA_LISTENER_SECURITY_PROTOCOL_MAP="CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        KAFKA_CONTROLLER_QUORUM_VOTERS="1@localhost:9093",
        KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR="1",
        KAFKA_TRANSACTION_STATE_LOG_MIN_ISR="1",
        KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS="0",
        KAFKA_AUTO_CREATE_TOPICS_ENABLE="false",
        KAFKA_LOG_DIRS="/var/lib/kafka/data/logs",
        KAFKA_HEAP_OPTS="-Xms256m -Xmx256m",
    )
    container = {
        "name": "kafka",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "env": env,
        "ports": [{"containerPort": 9092}],
        "readinessProbe": {"tcpSocket": {"port": 9092}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "50m", "memory": "384Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/var/lib/kafka/data"}],
    }
    claim = {
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
    }
    stateful_set = {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": name},
        "spec": {
            "serviceName": service,
            "selector": {"matchLabels": LABELS},
            "template": {
                "metadata": {"labels": LABELS},
                "spec": pod_spec(container, security={"runAsUser": 1000, "fsGroup": 1000}),
            },
            "volumeClaimTemplates": [claim],
        },
    }
    ports = [{"name": "clients", "port": 9092}]
    bootstrap = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": f"{CLUSTER}-kafka-bootstrap"},
        "spec": {"selector": LABELS, "ports": ports},
    }
    brokers = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": service},
        "spec": {
            "clusterIP": "None",
            "publishNotReadyAddresses": True,
            "selector": LABELS,
            "ports": ports,
        },
    }
    return [bootstrap, brokers, stateful_set]


def _topic_operator(namespace: str) -> list[Object]:
    name = "topic-operator"
    group = "rbac.authorization.k8s.io"
    rules = [
        {
            "apiGroups": ["kafka.strimzi.io"],
            "resources": ["kafkatopics", "kafkatopics/status"],
            "verbs": ["get", "list", "watch", "patch", "update"],
        }
    ]
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": {"name": name}, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": name},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    container = {
        "name": name,
        "image": images.AGENT,
        "imagePullPolicy": "IfNotPresent",
        "command": ["python", "/srv/topic_operator.py"],
        "env": variables(NAMESPACE=namespace, CLUSTER=CLUSTER, BOOTSTRAP=BOOTSTRAP),
        "volumeMounts": [{"name": "source", "mountPath": "/srv"}],
    }
    pod = pod_spec(
        container, serviceAccountName=name, volumes=[{"name": "source", "configMap": {"name": name}}]
    )
    labels = {"app": name}
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    return [_file(name, SOURCES / "topic_operator.py"), account, role, binding, deployment]


def _shop(name: str, app: str, prefix: str, first: int, last: int, pause: float) -> Object:
    mounts = [{"name": "logs", "mountPath": "/logs"}, {"name": "source", "mountPath": "/srv"}]
    run = f"python /srv/shop.py /logs/shop.log {first} {last} {pause} 2>>/logs/shop.log; touch /logs/ended"
    # Ships while the shop runs, then what is left of its last lines.
    ship = (
        "dspy-agent stream tail /logs/shop.log & shipper=$!; "
        "until [ -e /logs/ended ]; do sleep 0.2; done; kill $shipper; wait $shipper; "
        "dspy-agent stream tail /logs/shop.log --once"
    )
    common = {"image": images.AGENT, "imagePullPolicy": "IfNotPresent", "volumeMounts": mounts}
    shop = {
        "name": "shop",
        "command": ["sh", "-c", run],
        **common,
    }
    shipper = {
        "name": "ship",
        "command": ["sh", "-c", ship],
        "env": variables(
            KAFKA_BOOTSTRAP=BOOTSTRAP,
            DSPY_AGENT_TOPIC_PREFIX=prefix,
            DSPY_AGENT_APPS=app,
            DSPY_AGENT_WORKSPACE="/logs",
            HOME="/logs",
        ),
        **common,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": pod_spec(
            shop, shipper,
            restartPolicy="Never",
            automountServiceAccountToken=False,
            volumes=[{"name": "logs", "emptyDir": {}}, {"name": "source", "configMap": {"name": "shop"}}],
            security={"runAsUser": 10001, "fsGroup": 10001},
        ),
    }  # fmt: skip
