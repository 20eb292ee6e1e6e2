"""A Milvus in a namespace: Milvus Lite's server, which the agent's image brings along."""

from __future__ import annotations

from . import images
from .cluster import Cluster, Object
from .kafka import pod_spec

NAME = "milvus"
PORT = 19530
URI = f"http://{NAME}:{PORT}"
LABELS = {"app": NAME}
ASK = f"""
from pymilvus import MilvusClient
print(*MilvusClient("{URI}", timeout=10).list_collections())
"""


def _objects() -> list[Object]:
    container = {
        "name": NAME,
        "image": images.AGENT,
        "imagePullPolicy": "IfNotPresent",
        "command": ["milvus-lite", "server", "--data-dir", "/tmp/milvus", "--port", str(PORT)],
        "ports": [{"containerPort": PORT}],
        "readinessProbe": {"tcpSocket": {"port": PORT}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "192Mi"}, "limits": {"memory": "1Gi"}},
        "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
    }
    pod = pod_spec(container, volumes=[{"name": "tmp", "emptyDir": {}}], automountServiceAccountToken=False)
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": NAME},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": NAME},
        "spec": {"selector": LABELS, "ports": [{"port": PORT}]},
    }
    return [deployment, service]


def start(cluster: Cluster, namespace: str) -> None:
    """Run the server and wait until it listens. Raises Failed."""
    cluster.apply(*_objects(), namespace=namespace)
    words = ("rollout", "status", f"deployment/{NAME}", "-n", namespace, "--timeout=90s")
    cluster.kubectl(*words, timeout=100)


def stop(cluster: Cluster, namespace: str) -> None:
    """Stop the server; its Service stays. Raises Failed."""
    cluster.kubectl("scale", f"deployment/{NAME}", "-n", namespace, "--replicas=0")
