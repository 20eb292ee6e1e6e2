"""What all children have in common: labels, owner, and the marks that tell who rendered them for what."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import orjson

from dspy_agent_core.contracts.cluster import (
    ANNOTATION_REFRESH,
    API_VERSION,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_WORKSPACE,
    MANAGED_BY,
)
from dspy_operator.api.workspace import Workspace, WorkspaceSpec
from dspy_operator.children import Child, Kind, ref
from dspy_operator.compare import ANNOTATION_RENDERED, ANNOTATION_RENDERED_BY, ANNOTATION_RENDERED_FOR
from dspy_operator.facts import Facts
from dspy_operator.settings import Settings

USER_ID: Final = 10001
AGENT: Final = "agent"
MODEL: Final = "model"
STORAGE: Final = "storage"
NETWORK: Final = "network"
TOPICS: Final = "topics"
CONTEXT: Final = "context"
WORKER: Final = "worker"
ROUTER: Final = "router"
VECTORS: Final = "vectors"
STREAMS: Final = (TOPICS, CONTEXT, WORKER, ROUTER)  # components whose pods reach Kafka

ANNOTATION_RETAINED_FOR: Final = "dspy.dev/retained-for"  # the workspace that what is kept waits for
ANNOTATION_CONFIG: Final = "dspy.dev/config"  # checksum of what is read once: a change makes pods anew


@dataclass(frozen=True, slots=True)
class Context:
    """What the builders read: one workspace at one moment."""

    workspace: Workspace
    facts: Facts
    settings: Settings
    suspended: bool

    @property
    def name(self) -> str:
        """Name of the workspace."""
        return self.workspace.meta.name

    @property
    def namespace(self) -> str:
        """Namespace of the workspace."""
        return self.workspace.meta.namespace

    @property
    def spec(self) -> WorkspaceSpec:
        """Spec of the workspace."""
        return self.workspace.spec

    @property
    def rendered_for(self) -> str:
        """What a rendering is good for: generation, refresh mark, and whether it is suspended."""
        meta = self.workspace.meta
        parts = (
            str(meta.generation),
            meta.annotations.get(ANNOTATION_REFRESH, ""),
            "suspended" * self.suspended,
        )
        return "/".join(part for part in parts if part)


def selector(workspace: str, component: str) -> dict[str, str]:
    """Return the labels that select the pods of a component."""
    return {LABEL_WORKSPACE: workspace, LABEL_COMPONENT: component}


def labels(workspace: str, component: str) -> dict[str, str]:
    """Return the labels of a child, or of its pods."""
    return {LABEL_MANAGED_BY: MANAGED_BY, **selector(workspace, component)}


def checksum(value: Any) -> str:
    """Return a short hash of a JSON value, the same for the same value."""
    return hashlib.sha256(orjson.dumps(value, option=orjson.OPT_SORT_KEYS)).hexdigest()[:16]


def child(
    context: Context,
    kind: Kind,
    name: str,
    component: str,
    body: dict[str, Any],
    *,
    owned: bool = True,
    annotations: dict[str, str] | None = None,
    more_labels: dict[str, str] | None = None,
) -> Child:
    """Return ``body`` as a child of the workspace, with its metadata and marks."""
    meta = context.workspace.meta
    metadata: dict[str, Any] = {
        "name": name,
        "namespace": meta.namespace,
        "labels": {**(more_labels or {}), **labels(meta.name, component)},
        "annotations": dict(annotations or {}),
    }
    if owned:
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSION,
                "kind": "AgentWorkspace",
                "name": meta.name,
                "uid": meta.uid,
                "controller": True,
            }
        ]
    whole = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **body}
    metadata["annotations"] |= {
        ANNOTATION_RENDERED: checksum(whole),
        ANNOTATION_RENDERED_FOR: context.rendered_for,
        ANNOTATION_RENDERED_BY: context.settings.renderer,
    }
    return Child(ref(kind, meta.namespace, name), whole)
