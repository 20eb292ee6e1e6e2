"""What a test does to workspaces and children, and how it looks at them."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from dspy_operator.children import ALL_KINDS, OPTIONAL_KINDS, Kind, Ref
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import Conflict, NotFound
from dspy_operator.kube.kinds import JOB, WORKSPACE

from . import bed

SECONDS = 40.0
OLLAMA = {"ollama": {"model": "qwen3:1.7b"}}
Object = dict[str, Any]
State = dict[str, Object]

_VOLATILE = ("uid", "resourceVersion", "creationTimestamp", "managedFields", "generation", "selfLink")
_TIMES = ("lastTransitionTime", "progressStartedTime", "lastActivityTime")
_ALLOCATED = ("clusterIP", "clusterIPs")


class Admin(KubeClient):
    """A client that may do everything, under another field manager than the operator's."""

    async def apply(self, path: str, body: Object, *, force: bool) -> Object:
        params = {"fieldManager": "human", "force": "true" if force else "false"}
        return await self._json(
            "PATCH", path, params=params, body=body, content_type="application/apply-patch+yaml"
        )

    async def edit(self, path: str, patch: Object) -> Object:
        """Merge ``patch`` into an object."""
        params = {"fieldManager": "kubectl-edit"}
        return await self._json(
            "PATCH", path, params=params, body=patch, content_type="application/merge-patch+json"
        )


class World:
    """One namespace, seen and changed by an admin."""

    def __init__(self, admin: Admin, namespace: str) -> None:
        self.admin = admin
        self.namespace = namespace

    def path(self, name: str, kind: Kind = WORKSPACE) -> str:
        return f"{kind.path(self.namespace)}/{name}"

    async def apply(self, name: str, spec: Object, **annotations: str) -> Object:
        """Create a workspace or change its spec."""
        body = {
            "apiVersion": WORKSPACE.api_version,
            "kind": WORKSPACE.kind,
            "metadata": {"name": name, "annotations": annotations},
            "spec": spec,
        }
        return await self.admin.apply(self.path(name), body, force=True)

    async def workspace(self, name: str) -> Object:
        return await self.admin.get(self.path(name))

    async def delete(self, name: str) -> None:
        await self.remove(self.path(name))

    async def remove(self, path: str) -> None:
        live = await self.admin.get(path)
        await self.admin.delete(path, uid=live["metadata"]["uid"])

    async def exists(self, path: str) -> bool:
        return await self.get(path) is not None

    async def get(self, path: str) -> Object | None:
        try:
            return await self.admin.get(path)
        except NotFound:
            return None

    async def children(self, name: str = "") -> dict[Ref, Object]:
        """Live objects whose names belong to the workspace ``name``, or to any."""
        found = {}
        for kind in (*ALL_KINDS, *OPTIONAL_KINDS):
            with contextlib.suppress(NotFound):  # an optional kind that is not there
                async for page in self.admin.pages(kind.path(self.namespace)):
                    for item in page.items:
                        child = item["metadata"]["name"]
                        owned = bool(item["metadata"].get("ownerReferences"))
                        if child.startswith(f"{name}-") if name else owned:
                            ref = Ref(kind.api_version, kind.kind, self.namespace, child)
                            found[ref] = item
        return found

    async def clean(self, name: str) -> None:
        """Delete a workspace and, in place of garbage collection, its children."""
        await self.delete(name)
        for ref in await self.children(name):
            with contextlib.suppress(NotFound, Conflict):  # garbage collection was faster
                await self.remove(ref.path)

    async def state(self, name: str) -> State:
        """Children and status without what differs from run to run (uids, times, addresses)."""
        live: State = {}
        for ref, item in (await self.children(name)).items():
            live[f"{ref.kind}/{ref.name}"] = _normal(item)
        workspace = await self.get(self.path(name))
        if workspace is not None:
            live["status"] = _normal({"metadata": {}, "status": workspace.get("status")})
        return live

    async def condition(self, name: str, type: str = "Ready") -> Object:
        """A condition that speaks of the current generation, or {}."""
        obj = await self.workspace(name)
        for condition in (obj.get("status") or {}).get("conditions") or []:
            if (
                condition["type"] == type
                and condition.get("observedGeneration") == obj["metadata"]["generation"]
            ):
                return dict(condition)
        return {}

    async def until_condition(self, name: str, type: str = "Ready", **want: str) -> Object:
        """Wait for a condition with these fields, of the current generation."""

        async def holds() -> bool:
            found = await self.condition(name, type)
            return bool(found) and all(found[key] == value for key, value in want.items())

        await self.until(holds, f"{type} of {name} never {want}", lambda: self.condition(name, type))
        return await self.condition(name, type)

    async def until_told(self, name: str) -> None:
        """Wait until the status speaks of the current generation."""
        await self.until_condition(name)

    async def until_state(self, name: str, want: State) -> None:
        """Wait until the workspace is exactly in the state ``want``."""

        async def reached() -> bool:
            return await self.state(name) == want

        async def difference() -> object:
            return "\n".join(differences(await self.state(name), want))

        await self.until(reached, f"{name} never reached the state", difference)

    async def until(
        self,
        condition: Callable[[], Awaitable[bool]],
        what: str,
        explain: Callable[[], Awaitable[object]] | None = None,
        seconds: float = SECONDS,
    ) -> None:
        try:
            await bed.eventually(condition, seconds, what)
        except TimeoutError:
            detail = await explain() if explain else ""
            raise AssertionError(f"{what}: {detail}") from None

    async def until_gone(self, path: str) -> None:
        async def gone() -> bool:
            return not await self.exists(path)

        await self.until(gone, f"{path} is still there")

    async def until_there(self, path: str) -> Object:
        async def there() -> bool:
            return await self.exists(path)

        await self.until(there, f"{path} never came")
        return await self.admin.get(path)

    async def play_kubelet(self, name: str) -> None:
        """Make StatefulSet, Deployment and claims look as in a cluster where all pods are ready."""
        for ref, item in (await self.children(name)).items():
            await self.play_ready(ref, item)

    async def play_ready(self, ref: Ref, item: Object) -> None:
        """Make one child look as when all pods are ready."""
        if ref.kind in ("StatefulSet", "Deployment"):
            await self.set_status(ref.path, item, _ready(item))
        elif ref.kind == "PersistentVolumeClaim":
            await self.admin.edit(ref.path, {"spec": {"volumeName": f"volume-of-{ref.name}"}})
            size = item["spec"]["resources"]["requests"]["storage"]
            await self.set_status(ref.path, item, {"phase": "Bound", "capacity": {"storage": size}})
        elif ref.kind == "Job":
            await self.play_job(ref.path, "Complete")
        elif ref.kind == "KafkaTopic":
            await self.play_topic(ref.path)
        elif ref.kind == "SparkApplication":
            await self.set_status(ref.path, item, {"applicationState": {"state": "RUNNING"}})

    async def play_job(self, path: str, end: str, reason: str = "Played", at: datetime | None = None) -> None:
        """End a Job as its controller does: Complete or Failed."""
        item = await self.admin.get(path)
        time = (at or datetime.now(UTC)).strftime("%Y-%m-%dT%H:%M:%SZ")
        first = {"Complete": "SuccessCriteriaMet", "Failed": "FailureTarget"}[end]
        common = {"status": "True", "reason": reason, "message": "As played.", "lastTransitionTime": time}
        status: Object = {
            "startTime": time,
            "conditions": [{"type": kind, **common} for kind in (first, end)],
        }
        if end == "Complete":
            status |= {"completionTime": time, "succeeded": 1}
        await self.set_status(path, item, status)

    async def play_topic(self, path: str, reason: str = "", message: str = "") -> None:
        """Answer a KafkaTopic as Strimzi's Topic Operator does; with a reason: that it can't be done."""
        item = await self.admin.get(path)
        answer = {"type": "Ready", "status": "False" if reason else "True"}
        if reason:
            answer |= {"reason": reason, "message": message}
        status = {"observedGeneration": item["metadata"]["generation"], "conditions": [answer]}
        await self.set_status(path, item, status)

    async def set_status(self, path: str, item: Object, status: Object) -> None:
        body = {
            "apiVersion": item.get("apiVersion") or _api_version(path),
            "kind": item.get("kind") or _kind(path),
            "metadata": {"name": item["metadata"]["name"]},
            "status": status,
        }
        await self.admin.apply(f"{path}/status", body, force=True)

    async def job(self, name: str, spec: Object) -> Object:
        body = {
            "apiVersion": JOB.api_version,
            "kind": JOB.kind,
            "metadata": {"name": name},
            "spec": spec,
        }
        return await self.admin.apply(self.path(name, JOB), body, force=True)


def _ready(item: Object) -> Object:
    replicas = item["spec"].get("replicas", 1)
    revision = "one"
    status = {
        "observedGeneration": item["metadata"]["generation"],
        "replicas": replicas,
        "readyReplicas": replicas,
        "availableReplicas": replicas,
        "updatedReplicas": replicas,
    }
    if "serviceName" in item["spec"]:
        status |= {"currentRevision": revision, "updateRevision": revision, "currentReplicas": replicas}
    return status


def _api_version(path: str) -> str:
    return next(kind.api_version for kind in (*ALL_KINDS, *OPTIONAL_KINDS) if f"/{kind.plural}/" in path)


def _kind(path: str) -> str:
    return next(kind.kind for kind in (*ALL_KINDS, *OPTIONAL_KINDS) if f"/{kind.plural}/" in path)


def _normal(item: Object) -> Any:
    item = copy.deepcopy(item)
    meta = item["metadata"]
    for field in _VOLATILE:
        meta.pop(field, None)
    for owner in meta.get("ownerReferences", ()):
        owner.pop("uid")
    if "backoffLimit" in item.get("spec", {}):  # a Job
        item["spec"]["selector"] = item["spec"]["template"]["metadata"]["labels"] = "of its uid"
    for field in _ALLOCATED:
        if item.get("spec", {}).get(field) not in (None, "None", ["None"]):
            item["spec"].pop(field)
    # The hash covers the owner's uid.
    (meta.get("annotations") or {}).pop("dspy.dev/rendered", None)
    return _without_times(item)


def _without_times(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_times(item) for key, item in value.items() if key not in _TIMES}
    if isinstance(value, list):
        return [_without_times(item) for item in value]
    return value


def differences(have: Any, want: Any, where: str = "") -> list[str]:
    """Return where two JSON values differ, one line each."""
    if isinstance(have, dict) and isinstance(want, dict):
        keys = sorted(have.keys() | want.keys())
        return [
            line
            for key in keys
            for line in differences(have.get(key, "nothing"), want.get(key, "nothing"), f"{where}.{key}")
        ]
    if isinstance(have, list) and isinstance(want, list) and len(have) == len(want):
        pairs = enumerate(zip(have, want, strict=True))
        return [line for i, (h, w) in pairs for line in differences(h, w, f"{where}[{i}]")]
    return [] if have == want else [f"{where}: {str(have)[:300]} instead of {str(want)[:300]}"]
