"""A workspace's live children: read by name, applied one by one, pruned.

A refusal of one child (403, 422) does not keep the others from being applied; it is a fact that the
status tells. What any later request would meet as well (429, 5xx, no connection) ends the pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from dspy_agent_core.contracts.cluster import LABEL_MANAGED_BY, LABEL_WORKSPACE, MANAGED_BY
from dspy_operator.api.workspace import Workspace
from dspy_operator.children import (
    BATCH_JOB,
    CLAIM,
    KAFKA_TOPIC,
    OPTIONAL_KINDS,
    Child,
    Kind,
    Ref,
    possible_refs,
    stream_refs,
    vector_refs,
    workspace_claim,
)
from dspy_operator.desired.common import ANNOTATION_RETAINED_FOR
from dspy_operator.facts import Refusal
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Forbidden, Invalid, NotFound
from dspy_operator.lifecycle import instant
from dspy_operator.observe import Observed, State, observe
from dspy_operator.reconcile.base import Pass, namespace_ends, version_of
from dspy_operator.status.verdict import LOCAL, NOT_REQUESTED

RETRY_FAILED_JOB: Final = timedelta(minutes=5)
_TO_APPLY: Final = (State.MISSING, State.DIFFERS)


class NamespaceEnds(Exception):
    """The namespace is being deleted: nothing more to write."""


@dataclass(slots=True)
class LiveChildren:
    """The children of one workspace as they are now; `settle` brings them to what is desired."""

    client: KubeClient
    workspace: Workspace
    live: dict[Ref, Object | None] = field(default_factory=dict)
    refusals: dict[Ref, Refusal] = field(default_factory=dict)
    served: set[Kind] = field(default_factory=set)  # of the optional kinds

    async def read(self) -> None:
        """Read every object that could be a child: by name, and those of optional kinds by label."""
        meta = self.workspace.meta
        await self.read_named(possible_refs(meta.namespace, meta.name))
        if may_stream(self.workspace):
            await self.read_named(stream_refs(meta.namespace, meta.name))
            await asyncio.gather(*(self._list(kind) for kind in OPTIONAL_KINDS))
        if _may_watch_vectors(self.workspace):
            await self.read_named(vector_refs(meta.namespace, meta.name))

    async def read_named(self, refs: Iterable[Ref]) -> None:
        """Read those of ``refs`` that are not known yet."""
        new = [ref for ref in refs if ref not in self.live]
        found = await asyncio.gather(*(self._read(ref) for ref in new))
        self.live.update(zip(new, found, strict=True))

    def observed(self, desired: Mapping[Ref, Child]) -> dict[Ref, Observed]:
        """Return how each possible child stands to ``desired``."""
        owner = self.workspace.meta.uid
        return {ref: observe(ref, desired.get(ref), live, owner) for ref, live in self.live.items()}

    async def settle(self, run: Pass, desired: Sequence[Child], now: datetime) -> None:
        """Apply what is missing or differs, in order, then delete what is ours and no longer wanted.

        Raises:
            NamespaceEnds: the namespace is being deleted.
            KubeError: the pass can't go on.
        """
        observed = self.observed({child.ref: child for child in desired})
        for child in desired:
            if observed[child.ref].state in _TO_APPLY and child.ref not in self.refusals:
                await self._apply(run, child)
        for ref, seen in observed.items():
            surplus = seen.state is State.SURPLUS and not _holds_work(self.workspace, ref, self.live[ref])
            if surplus and _is_kept_topic(self.workspace, ref):
                await self._release(run, ref)
            elif surplus or _failed_long_ago(seen, now):
                await self._delete(run, ref)

    async def _list(self, kind: Kind) -> None:
        """Read the children of one optional kind, if the cluster has it."""
        meta = self.workspace.meta
        labels = f"{LABEL_WORKSPACE}={meta.name},{LABEL_MANAGED_BY}={MANAGED_BY}"
        try:
            async for page in self.client.pages(kind.path(meta.namespace), labels=labels):
                for item in page.items:
                    # Lists leave these two out of their items.
                    item |= {"apiVersion": kind.api_version, "kind": kind.kind}
                    name = item["metadata"]["name"]
                    self.live[Ref(kind.api_version, kind.kind, meta.namespace, name)] = item
        except NotFound:
            return
        self.served.add(kind)

    async def _read(self, ref: Ref) -> Object | None:
        try:
            return await self.client.get(ref.path)
        except NotFound:
            return None
        except Forbidden as error:
            self.refusals[ref] = Refusal(error.status, error.message)
            return None

    async def _apply(self, run: Pass, child: Child) -> None:
        live = self.live[child.ref]
        try:
            self.live[child.ref] = run.note(await self._write(child, live))
        except Invalid as error:
            self.refusals[child.ref] = Refusal(error.status, error.message)
        except Forbidden as error:
            if namespace_ends(error):
                raise NamespaceEnds from error
            self.refusals[child.ref] = Refusal(error.status, error.message)

    async def _write(self, child: Child, live: Object | None) -> Object:
        if live is None:
            # Without force, so that a namesake made since the read is not overwritten.
            return await self.client.apply(child.ref.path, child.body, force=False)
        meta = {**child.body["metadata"], "uid": live["metadata"]["uid"]}
        return await self.client.apply(child.ref.path, {**child.body, "metadata": meta}, force=True)

    async def _release(self, run: Pass, ref: Ref) -> None:
        """Give up a topic: it stays as it is, but nobody owns it any more."""
        live = self.live[ref]
        if live is None:
            return
        meta, workspace = live["metadata"], self.workspace.meta.name
        body = {
            "apiVersion": ref.api_version,
            "kind": ref.kind,
            "metadata": {
                "name": ref.name,
                "namespace": ref.namespace,
                "uid": meta["uid"],
                "labels": meta.get("labels") or {},
                "annotations": {ANNOTATION_RETAINED_FOR: workspace},
            },
            "spec": live["spec"],
        }
        self.live[ref] = run.note(await self.client.apply(ref.path, body, force=True))

    async def _delete(self, run: Pass, ref: Ref) -> None:
        live = self.live[ref]
        if live is None:
            return
        uid, resource_version = version_of(live)
        try:
            await self.client.delete(ref.path, uid=uid, resource_version=resource_version)
        except NotFound:
            pass
        except Forbidden as error:
            self.refusals[ref] = Refusal(error.status, error.message)
            return
        run.writes += 1
        self.live[ref] = None


def _is_kept_topic(workspace: Workspace, ref: Ref) -> bool:
    streaming = workspace.spec.streaming
    retained = streaming is not None and streaming.topic_retain_policy == "Retain"
    return retained and ref.kind == KAFKA_TOPIC.kind


def may_stream(workspace: Workspace) -> bool:
    """Whether it has children of the streams, or may have some left of an earlier spec."""
    return workspace.spec.streaming is not None or _may_have_left(
        workspace, "ContextStreamReady", (NOT_REQUESTED,)
    )


def _may_watch_vectors(workspace: Workspace) -> bool:
    """Whether it has children that watch its vector store, or may have some left of an earlier spec."""
    return workspace.spec.vector_store.milvus is not None or _may_have_left(
        workspace, "VectorStoreReady", (NOT_REQUESTED, LOCAL)
    )


def _may_have_left(workspace: Workspace, condition: str, gone: Container[str | None]) -> bool:
    """Whether children may be there that the spec asks for no more.

    The status is written with one of the reasons ``gone`` when they are; a workspace that never asked for
    any is not looked at twice.
    """
    if workspace.meta.generation <= 1:
        return False
    told = {item["type"]: item.get("reason") for item in workspace.status.get("conditions") or ()}
    current = workspace.status.get("observedGeneration") == workspace.meta.generation
    return not current or told.get(condition) not in gone


def _failed_long_ago(seen: Observed, now: datetime) -> bool:
    """Whether it is a Job that failed for good, and it is time to try again."""
    since = instant(seen.outcome_time)
    failed = seen.ref.kind == BATCH_JOB.kind and seen.outcome == "False"
    return failed and since is not None and now - since > RETRY_FAILED_JOB


def _holds_work(workspace: Workspace, ref: Ref, live: Object | None) -> bool:
    bound = bool(live and live.get("spec", {}).get("volumeName"))
    return bound and ref.kind == CLAIM.kind and ref.name == workspace_claim(workspace.meta.name)
