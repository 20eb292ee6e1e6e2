"""A git server in the cluster, with one public and one private repository of a real project."""

from __future__ import annotations

from .cluster import Cluster, Object
from .images import GIT_SERVER

NAMESPACE = "e2e-git"
URL = f"http://git.{NAMESPACE}.svc.cluster.local:8080"
PUBLIC = f"{URL}/public.git"
PRIVATE = f"{URL}/private.git"
CREDENTIALS = {"username": "reader", "password": "correct-horse"}
TAG = "2.2.1"

LABELS = {"app": "git"}


def namespace(name: str) -> Object:
    """Return a namespace that refuses pods which are not restricted."""
    labels = {"pod-security.kubernetes.io/enforce": "restricted", "dspy.dev/e2e": "true"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def objects() -> list[Object]:
    """Return the Deployment and the Service of the server."""
    container = {
        "name": "git",
        "image": GIT_SERVER,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "256Mi"}},
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
    }
    pod = {
        "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": 1,
        "containers": [container],
    }
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "git"},
        "spec": {
            "selector": {"matchLabels": LABELS},
            "template": {"metadata": {"labels": LABELS}, "spec": pod},
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "git"},
        "spec": {"selector": LABELS, "ports": [{"port": 8080}]},
    }
    return [deployment, service]


def install(cluster: Cluster) -> None:
    """Run the server and wait until it answers. Raises Failed."""
    cluster.apply(namespace(NAMESPACE))
    cluster.apply(*objects(), namespace=NAMESPACE)
    cluster.kubectl("rollout", "status", "deployment/git", "-n", NAMESPACE, "--timeout=120s", timeout=130)
