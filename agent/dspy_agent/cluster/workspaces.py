"""An AgentWorkspace as the cluster knows it: its state, its pod, and changes to it."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from dspy_agent.cluster.api import Api
from dspy_agent.cluster.errors import Target
from dspy_agent_core.contracts.cluster import ANNOTATION_LAST_ACTIVITY, GROUP
from dspy_agent_core.errors import ClusterError

RESOURCE = "agentworkspaces"
_NAMES_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; ``current`` says whether it is about the present generation of the spec."""

    status: str
    reason: str
    message: str
    current: bool


@dataclass(frozen=True, slots=True)
class Workspace:
    """What the commands need to know of one AgentWorkspace."""

    name: str
    namespace: str
    generation: int
    operating_mode: str
    pod: str
    conditions: Mapping[str, Condition]

    @classmethod
    def parse(cls, data: Mapping[str, Any]) -> Workspace:
        """Return the workspace that the API object ``data`` describes."""
        metadata, status = data.get("metadata") or {}, data.get("status") or {}
        generation = int(metadata.get("generation") or 0)
        conditions = {
            str(entry.get("type")): Condition(
                status=str(entry.get("status")),
                reason=str(entry.get("reason") or ""),
                message=str(entry.get("message") or ""),
                current=int(entry.get("observedGeneration") or 0) >= generation,
            )
            for entry in status.get("conditions") or []
        }
        return cls(
            name=str(metadata.get("name")),
            namespace=str(metadata.get("namespace")),
            generation=generation,
            operating_mode=str((data.get("spec") or {}).get("operatingMode") or "Running"),
            pod=str((status.get("agent") or {}).get("podName") or ""),
            conditions=conditions,
        )

    def suspended_because(self) -> str:
        """Return OperatingMode, IdleTimeout or ShutdownTime; empty if it is not suspended."""
        if self.operating_mode == "Suspended":
            return "OperatingMode"
        suspended = self.conditions.get("Suspended")
        if suspended is None or suspended.status != "True" or suspended.reason == "OperatingMode":
            return ""  # a condition left from before the mode was set to Running
        return suspended.reason

    def agent_ready(self) -> bool:
        """Return whether the agent of the present spec is up."""
        ready, suspended = self.conditions.get("AgentReady"), self.conditions.get("Suspended")
        return (
            ready is not None
            and ready.status == "True"
            and ready.current
            and bool(self.pod)
            and (suspended is None or suspended.status != "True")
        )


def target(verb: str, namespace: str, name: str = "") -> Target:
    """Return the request target of a workspace, or of all in ``namespace``."""
    return Target(verb, RESOURCE, namespace, name, GROUP)


def get_workspace(api: Api, name: str) -> Workspace:
    """Return the workspace ``name`` of the access's namespace.

    Raises:
        ClusterError: WorkspaceNotFound (with near names), NamespaceNotFound, Forbidden, ...
    """
    namespace = api.access.namespace
    try:
        return Workspace.parse(api.get(target("get", namespace, name)))
    except ClusterError as error:
        if error.code != "NotFound":
            raise
    raise _not_found(api, name)


def patch_workspace(api: Api, name: str, change: dict[str, Any]) -> Workspace:
    """Merge ``change`` into the workspace and return what came of it."""
    return Workspace.parse(api.patch(target("patch", api.access.namespace, name), change))


def activity_now() -> dict[str, Any]:
    """Return the change that notes activity at this moment."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return {"metadata": {"annotations": {ANNOTATION_LAST_ACTIVITY: now}}}


def _not_found(api: Api, name: str) -> ClusterError:
    namespace = api.access.namespace
    if _is_missing(api, Target("get", "namespaces", name=namespace)):
        return ClusterError(
            f'There is no namespace "{namespace}" in the cluster of context "{api.access.context}".',
            code="NamespaceNotFound",
            next="Pass another with -n, or choose another --context.",
        )
    here = _names(api, namespace)
    elsewhere = [] if here is None else [entry for entry in _names(api, "") or [] if entry[1] == name]
    names = sorted(entry[1] for entry in here or [])
    if elsewhere:
        hint = f"There is one in namespace {elsewhere[0][0]}: add `-n {elsewhere[0][0]}`."
    elif near := difflib.get_close_matches(name, names, n=3, cutoff=0.4):
        hint = f"Did you mean {' or '.join(near)}?"
    elif names:
        hint = f"There are: {', '.join(names[:10])}."
    else:
        hint = "List those you can see with `dspy-agent workspaces -A`."
    return ClusterError(
        f'There is no workspace "{name}" in namespace "{namespace}".', code="WorkspaceNotFound", next=hint
    )


def _is_missing(api: Api, wanted: Target) -> bool:
    try:
        api.get(wanted)
    except ClusterError as error:
        return error.code == "NotFound"
    return False


def _names(api: Api, namespace: str) -> list[tuple[str, str]] | None:
    try:
        items = api.get(target("list", namespace), accept=_NAMES_ONLY, limit="500").get("items") or []
    except ClusterError:
        return None
    return [(str(item["metadata"].get("namespace")), str(item["metadata"].get("name"))) for item in items]
