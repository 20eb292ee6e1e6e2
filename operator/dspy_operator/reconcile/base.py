"""What the reconcilers share: their interface, and writing a status only when it changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol

from dspy_operator.children import Kind
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Forbidden, NotFound, ServerError
from dspy_operator.kube.recorder import Recorder
from dspy_operator.queue import Key, Version

NAMESPACE_TERMINATING: Final = "NamespaceTerminating"
Clock = Callable[[], datetime]


class Board(Protocol):
    """Where the latest conditions are shown (metrics)."""

    def show(self, key: Key, status: Mapping[str, Any]) -> None:
        """Replace what is known of ``key``."""
        ...

    def forget(self, key: Key) -> None:
        """Take ``key`` off."""
        ...


@dataclass(slots=True)
class Pass:
    """One run over one key. ``wrote`` grows as writes are answered, so that a failed run keeps them."""

    key: Key
    seen: Version | None = None  # what the latest event of the resource showed
    wrote: list[Version] = field(default_factory=list)
    writes: int = 0

    def check_fresh(self, obj: Object | None) -> None:
        """Raise ServerError if ``obj`` (None: not found) is older than what an event showed already."""
        if self.seen is None:
            return
        uid, resource_version = version_of(obj) if obj is not None else ("", "")
        same = obj is None or uid == self.seen[0]
        if same and _number(resource_version) < _number(self.seen[1]):
            raise ServerError("The API server answered with an older state than it had shown before.")

    def note(self, answer: Object) -> Object:
        """Remember what a write answered."""
        self.writes += 1
        self.wrote.append(version_of(answer))
        return answer


class Reconciler(Protocol):
    """Brings one key to the state that its resource asks for."""

    async def reconcile(self, run: Pass) -> float | None:
        """Return the seconds after which to look again, or None. Raises KubeError to be tried again."""
        ...


@dataclass(frozen=True, slots=True)
class StatusWriter:
    """Writes the status of one kind."""

    client: KubeClient
    kind: Kind
    recorder: Recorder
    board: Board

    async def write(self, run: Pass, obj: Object, status: Mapping[str, Any]) -> None:
        """Apply ``status`` if it differs from what ``obj`` has; an object gone meanwhile is no error."""
        before = obj.get("status") or {}
        self.board.show(run.key, status)
        if status == before:
            return
        meta = obj["metadata"]
        body = {
            "apiVersion": self.kind.api_version,
            "kind": self.kind.kind,
            "metadata": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
            "status": status,
        }
        path = f"{self.kind.path(run.key.namespace)}/{run.key.name}/status"
        try:
            run.note(await self.client.apply(path, body, force=True))
        except NotFound:
            return
        self.recorder.changed(obj, before, status)


def version_of(obj: Object) -> Version:
    """Return uid and resourceVersion of a live object."""
    meta = obj["metadata"]
    return str(meta.get("uid", "")), str(meta.get("resourceVersion", ""))


def _number(resource_version: str) -> int:
    return int(resource_version) if resource_version.isdigit() else 0


def namespace_ends(error: Forbidden) -> bool:
    """Whether the API server refused because the namespace is being deleted."""
    return NAMESPACE_TERMINATING in error.causes or "because it is being terminated" in error.message
