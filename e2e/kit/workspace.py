"""AgentWorkspaces in the cluster: made from the example, waited for, looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from . import gitserver
from .cluster import Cluster, Object, wait_for
from .shell import ROOT

EXAMPLE = ROOT / "examples" / "01-git-workspace" / "workspace.yaml"
VECTORS = ROOT / "examples" / "03-shared-vectors" / "workspace.yaml"
CHILD_KINDS = (
    "serviceaccounts,persistentvolumeclaims,configmaps,services,networkpolicies,statefulsets,deployments,pods"
)


def manifest(name: str, **spec: Any) -> Object:
    """Return a workspace with this spec; a small volume and no model unless the spec says so."""
    base = {"model": {"none": {}}, "storage": {"size": "64Mi"}}
    return {
        "apiVersion": "dspy.dev/v1alpha1",
        "kind": "AgentWorkspace",
        "metadata": {"name": name},
        "spec": base | spec,
    }


def git(ref: str = gitserver.TAG, url: str = gitserver.PUBLIC, **more: Any) -> Object:
    """Return a git source."""
    return {"git": {"url": url, "ref": ref, **more}}


def example(ref: str = gitserver.TAG, path: Path = EXAMPLE) -> Object:
    """Return an example (the first), with its project served by the cluster's own git server."""
    thing: Object = yaml.safe_load(path.read_text())
    thing["spec"]["source"]["git"] |= {"url": gitserver.PUBLIC, "ref": ref}
    return thing


def condition(workspace: Object | None, kind: str) -> Object:
    """Return one condition, or an empty object, if it speaks of the present generation."""
    if workspace is None:
        return {}
    return next(
        (
            c
            for c in workspace.get("status", {}).get("conditions", [])
            if c["type"] == kind and c.get("observedGeneration") == workspace["metadata"]["generation"]
        ),
        {},
    )


def get(cluster: Cluster, namespace: str, name: str) -> Object:
    """Return the workspace. Raises AssertionError."""
    found = cluster.get("agentworkspace", name, namespace)
    assert found, f"there is no workspace {namespace}/{name}"
    return found


def wait_ready(cluster: Cluster, namespace: str, name: str, seconds: int = 180) -> Object:
    """Wait as the README says to, by ``kubectl wait``. Raises Failed."""
    cluster.kubectl(
        "wait", "-n", namespace, "--for=condition=Ready", f"agentworkspace/{name}", f"--timeout={seconds}s",
        timeout=seconds + 10,
    )  # fmt: skip
    return get(cluster, namespace, name)


def wait_condition(
    cluster: Cluster,
    namespace: str,
    name: str,
    kind: str,
    *,
    status: str,
    reason: str = "",
    seconds: float = 60,
) -> Object:
    """Wait for a condition of the present generation and return it. Raises Timeout with all conditions."""

    def look() -> Object | None:
        found = condition(get(cluster, namespace, name), kind)
        matches = found.get("status") == status and reason in ("", found.get("reason"))
        return found if matches else None

    def now() -> str:
        conditions = get(cluster, namespace, name).get("status", {}).get("conditions", [])
        said = "; ".join(f"{c['type']}={c['status']} {c['reason']}: {c['message']}" for c in conditions)
        return f"{name}: {kind}={status} {reason}, but {said}"

    return wait_for(look, seconds, now)


def pod_uids(cluster: Cluster, namespace: str, name: str) -> set[str]:
    """Return the uids of a workspace's pods."""
    pods = cluster.items("pods", namespace, f"dspy.dev/workspace={name}")
    return {pod["metadata"]["uid"] for pod in pods}


def children(cluster: Cluster, namespace: str, name: str) -> list[Object]:
    """Return everything that belongs to a workspace, its pods too."""
    return cluster.items(CHILD_KINDS, namespace, f"dspy.dev/workspace={name}")
