"""Short ways to make workspaces, facts and live children for the tests of the pure core."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

from dspy_operator.api.workspace import Workspace, parse
from dspy_operator.children import OPTIONAL_KINDS, Child, Ref, possible_refs, stream_refs, vector_refs
from dspy_operator.desired import desired
from dspy_operator.facts import Facts
from dspy_operator.observe import Observed, PodFacts, observe, observe_pod
from dspy_operator.settings import Settings
from dspy_operator.status import status

NOW = datetime(2026, 5, 1, 12, 0, 0, tzinfo=UTC)
UID = "11111111-2222-3333-4444-555555555555"
SETTINGS = Settings()


def resource(spec: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    status_ = meta.pop("status", {})
    metadata = {
        "name": "demo",
        "namespace": "team",
        "uid": UID,
        "generation": 1,
        "creationTimestamp": "2026-05-01T11:00:00Z",
        **meta,
    }
    return {"metadata": metadata, "spec": spec or {}, "status": status_}


def workspace(spec: dict[str, Any] | None = None, **meta: Any) -> Workspace:
    return parse(resource(spec, **meta))


def facts(seconds: float = 0, **known: Any) -> Facts:
    return Facts(NOW + timedelta(seconds=seconds), **{"served": frozenset(OPTIONAL_KINDS), **known})


def children(
    spec: dict[str, Any] | None = None, known: Facts | None = None, settings: Settings = SETTINGS, **meta: Any
) -> dict[tuple[str, str], Child]:
    """The desired children by kind and the end of their name, such as ("Service", "agent")."""
    found = desired(workspace(spec, **meta), known or facts(), settings)
    return {(child.ref.kind, child.ref.name.removeprefix("demo-")): child for child in found}


def pod_spec(spec: dict[str, Any] | None = None, **meta: Any) -> dict[str, Any]:
    body: dict[str, Any] = children(spec, **meta)["StatefulSet", "agent"].body
    pod: dict[str, Any] = body["spec"]["template"]["spec"]
    return pod


def live(child: Child, *, ready: bool = True, **extra: Any) -> dict[str, Any]:
    """The live object of ``child`` as the API server and the controllers would have it."""
    body = copy.deepcopy(child.body)
    body["metadata"] |= {"uid": f"uid-{child.ref.name}", "generation": 1, **extra}
    if child.ref.kind == "PersistentVolumeClaim":
        size = body["spec"]["resources"]["requests"]["storage"]
        body["spec"]["volumeName"] = "pv"
        body["status"] = {"phase": "Bound", "capacity": {"storage": size}}
    if child.ref.kind in ("StatefulSet", "Deployment"):
        replicas = body["spec"]["replicas"]
        body["status"] = {
            "observedGeneration": 1,
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": replicas if ready else 0,
            "currentRevision": "a",
            "updateRevision": "a",
        }
    if child.ref.kind == "KafkaTopic":
        answer = {"type": "Ready", "status": "True" if ready else "False"}
        body["status"] = {"observedGeneration": 1, "conditions": [answer]}
    if child.ref.kind == "SparkApplication":
        body["status"] = {"applicationState": {"state": "RUNNING" if ready else "SUBMITTED"}}
    if child.ref.kind == "Job" and ready:
        body["status"] = {"succeeded": 1, "conditions": [{"type": "Complete", "status": "True"}]}
    return body


class Scene:
    """A workspace whose children are all live and ready, to be spoilt by a test."""

    def __init__(self, spec: dict[str, Any] | None = None, **meta: Any) -> None:
        self.workspace = workspace(spec, **meta)
        self.facts = facts()
        self.wanted = {child.ref: child for child in desired(self.workspace, self.facts, SETTINGS)}
        self.live: dict[Ref, dict[str, Any] | None] = {ref: live(child) for ref, child in self.wanted.items()}
        self.pods: list[PodFacts] = []

    def ref(self, kind: str, end: str) -> Ref:
        return next(ref for ref in self.wanted if ref.kind == kind and ref.name.endswith(end))

    def of(self, kind: str, end: str) -> dict[str, Any]:
        found = self.live[self.ref(kind, end)]
        assert found is not None
        return found

    def unready(self, kind: str = "StatefulSet", end: str = "agent", **status_: Any) -> None:
        self.of(kind, end)["status"] |= {"readyReplicas": 0, **status_}

    def pod(self, component: str = "agent", **parts: Any) -> None:
        self.add(pod(component, **parts))

    def add(self, pod: dict[str, Any]) -> None:
        self.pods.append(observe_pod(pod))

    def observed(self) -> dict[Ref, Observed]:
        meta = self.workspace.meta
        return {
            ref: observe(ref, self.wanted.get(ref), self.live.get(ref), meta.uid)
            for ref in (
                *possible_refs(meta.namespace, meta.name),
                *self._of_streams(),
                *self._of_vectors(),
            )
        }

    def _of_streams(self) -> tuple[Ref, ...]:
        meta = self.workspace.meta
        optional = [
            ref for ref in (self.wanted | self.live) if ref.kind in ("KafkaTopic", "SparkApplication")
        ]
        may = self.workspace.spec.streaming or meta.generation > 1
        return (*stream_refs(meta.namespace, meta.name), *optional) if may else ()

    def _of_vectors(self) -> tuple[Ref, ...]:
        meta = self.workspace.meta
        may = self.workspace.spec.vector_store.milvus or meta.generation > 1
        return vector_refs(meta.namespace, meta.name) if may else ()

    def status(self, previous: dict[str, Any] | None = None) -> dict[str, Any]:
        return status(
            self.workspace,
            self.observed(),
            self.pods,
            self.facts,
            SETTINGS,
            previous or self.workspace.status,
        )

    def condition(self, kind: str, previous: dict[str, Any] | None = None) -> dict[str, Any]:
        return next(item for item in self.status(previous)["conditions"] if item["type"] == kind)

    def reasons(self) -> dict[str, tuple[str, str]]:
        return {item["type"]: (item["status"], item["reason"]) for item in self.status()["conditions"]}


def pod(
    component: str = "agent",
    *,
    init: list[dict[str, Any]] | None = None,
    containers: list[dict[str, Any]] | None = None,
    unschedulable: str = "",
    ready: bool = False,
) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": "True" if ready else "False"}]
    if unschedulable:
        conditions.append(
            {
                "type": "PodScheduled",
                "status": "False",
                "reason": "Unschedulable",
                "message": unschedulable,
            }
        )
    return {
        "metadata": {"name": f"demo-{component}-0", "labels": {"dspy.dev/component": component}},
        "status": {
            "phase": "Pending",
            "conditions": conditions,
            "initContainerStatuses": init or [],
            "containerStatuses": containers or [],
        },
    }


def waiting(name: str, reason: str, message: str = "", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "ready": False, "restartCount": 0, "state": state, **more}


def ended(code: int, reason: str = "Error", message: str = "") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "reason": reason, "message": message}}
