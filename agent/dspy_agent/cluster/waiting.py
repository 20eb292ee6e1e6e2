"""Waits until a workspace's agent is up, tells how far it is, and gives up early where waiting can't help."""

from __future__ import annotations

import time
from collections.abc import Callable

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.workspaces import Condition, Workspace, activity_now, get_workspace, patch_workspace
from dspy_agent_core.errors import ClusterError

POLL_SECONDS = 0.5
# Reasons that only a change by a person ends. What an outage may cause is not among them.
_FINAL_REASONS = frozenset(
    {
        "AuthenticationFailed",
        "ChildNotOwned",
        "ClaimNotFound",
        "ConfigMapKeyNotFound",
        "ConfigMapNotFound",
        "ContainerConfigInvalid",
        "ImagePullFailed",
        "InvalidImageName",
        "InvalidSource",
        "InvalidSpec",
        "PermissionDenied",
        "ProgressDeadlineExceeded",
        "QuotaExceeded",
        "ReadOnlyFilesystem",
        "RefNotFound",
        "RepositoryNotFound",
        "RuntimeClassNotFound",
        "SecretKeyNotFound",
        "SecretNotFound",
        "ServiceAccountNotFound",
        "SourceFailed",
        "StorageClassNotFound",
    }
)
_DECIDING = ("AgentReady", "StorageReady")

Tell = Callable[[str], None]


def wake(api: Api, workspace: Workspace, tell: Tell) -> Workspace:
    """Resume ``workspace`` if it is suspended; return it as it is then.

    Raises:
        ClusterError: its shutdown time has passed, or the change is refused.
    """
    why = workspace.suspended_because()
    if why == "ShutdownTime":
        raise ClusterError(
            f"Workspace {workspace.name} is shut down: its shutdown time has passed.",
            code="ShutdownTimePassed",
            next="Change or remove spec.lifecycle.shutdownTime, then connect again.",
        )
    if why == "OperatingMode":
        tell(f"workspace {workspace.name} is suspended; resuming it")
        return patch_workspace(api, workspace.name, {"spec": {"operatingMode": "Running"}, **activity_now()})
    if why:
        tell(f"workspace {workspace.name} is suspended ({why}); resuming it")
        return patch_workspace(api, workspace.name, activity_now())
    return workspace


def wait_until_ready(api: Api, workspace: Workspace, *, timeout: float, tell: Tell) -> Workspace:
    """Return the workspace once its agent is ready for the spec as it is now.

    Raises:
        ClusterError: NotReady after ``timeout`` seconds or on a final reason, WorkspaceSuspended if
            someone suspends it meanwhile, or an error of the API server.
    """
    deadline, told = time.monotonic() + timeout, ""
    while not workspace.agent_ready():
        name, condition = _most_telling(workspace)
        if workspace.operating_mode == "Suspended":
            raise ClusterError(
                f"Workspace {workspace.name} was suspended.",
                code="WorkspaceSuspended",
                next=f"Resume it with `dspy-agent resume {workspace.name}`.",
            )
        if condition.current and condition.reason in _FINAL_REASONS and not workspace.suspended_because():
            raise _not_ready(workspace, name, condition, "")
        progress = f"{name}: {condition.reason}" + (f", {condition.message}" if condition.message else "")
        if progress != told:
            tell(f"waiting for {workspace.name}: {progress}")
            told = progress
        if time.monotonic() >= deadline:
            raise _not_ready(workspace, name, condition, f" after {timeout:.0f} s")
        time.sleep(POLL_SECONDS)
        workspace = get_workspace(api, workspace.name)
    return workspace


def _most_telling(workspace: Workspace) -> tuple[str, Condition]:
    """Return the condition that best says why the agent is not up."""
    pending = Condition("Unknown", "Pending", "the operator has not seen it yet", current=False)
    candidates = [(name, workspace.conditions[name]) for name in _DECIDING if name in workspace.conditions]
    for name, condition in candidates:
        if condition.status == "False" and condition.current and condition.reason in _FINAL_REASONS:
            return name, condition
    name, agent = (
        candidates[0] if candidates and candidates[0][0] == "AgentReady" else ("AgentReady", pending)
    )
    return (name, agent) if agent.current else ("AgentReady", pending)


def _not_ready(workspace: Workspace, name: str, condition: Condition, after: str) -> ClusterError:
    message = f": {condition.message}" if condition.message else ""
    why = f"{name} is {condition.status} ({condition.reason}){message}"
    return ClusterError(
        f"Workspace {workspace.name} is not ready{after}: {why}",
        code="NotReady",
        next=f"Look closer with `kubectl describe agws {workspace.name} -n {workspace.namespace}`.",
    )
