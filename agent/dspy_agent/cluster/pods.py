"""The pods of a workspace: which one to enter, and whether it is still there."""

from __future__ import annotations

from typing import Any

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.errors import Target
from dspy_agent.cluster.workspaces import Workspace
from dspy_agent_core.contracts.cluster import CONTAINER_AGENT, LABEL_COMPONENT, LABEL_WORKSPACE
from dspy_agent_core.errors import ClusterError


def pick_pod(api: Api, workspace: Workspace, requested: str | None) -> str:
    """Return ``requested`` if it is an agent pod of ``workspace``; by default the one its status names."""
    if requested is None:
        return workspace.pod
    names = agent_pods(api, workspace)
    if requested in names:
        return requested
    raise ClusterError(
        f'Workspace {workspace.name} has no agent pod "{requested}".',
        code="PodNotFound",
        next=f"Leave out --pod, or choose of: {', '.join(names) or 'none'}.",
    )


def agent_pods(api: Api, workspace: Workspace) -> list[str]:
    """Return the names of the workspace's agent pods, in order."""
    selector = f"{LABEL_WORKSPACE}={workspace.name},{LABEL_COMPONENT}=agent"
    items = api.get(Target("list", "pods", workspace.namespace), labelSelector=selector).get("items") or []
    return sorted(str(item["metadata"]["name"]) for item in items)


def pod_is_gone(api: Api, namespace: str, name: str) -> bool:
    """Return whether the agent container of pod ``name`` has stopped, or is being stopped."""
    try:
        pod = api.get(Target("get", "pods", namespace, name))
    except ClusterError as error:
        return error.code != "Forbidden"
    if pod["metadata"].get("deletionTimestamp"):
        return True
    statuses: list[dict[str, Any]] = (pod.get("status") or {}).get("containerStatuses") or []
    agent = next((status for status in statuses if status.get("name") == CONTAINER_AGENT), {})
    return "running" not in (agent.get("state") or {})
