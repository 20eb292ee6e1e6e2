"""A workspace's live children: read by name, applied one by one, pruned.

A refusal of one child (403, 422) does not keep the others from being applied; it is a fact that the
status tells. What any later request would meet as well (429, 5xx, no connection) ends the pass.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from dspy_operator.api.workspace import Workspace
from dspy_operator.children import CLAIM, Child, Ref, possible_refs, workspace_claim
from dspy_operator.facts import Refusal
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Forbidden, Invalid, NotFound
from dspy_operator.observe import Observed, State, observe
from dspy_operator.reconcile.base import Pass, namespace_ends, version_of

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

    async def read(self) -> None:
        """Read every object that could be a child, by name."""
        refs = possible_refs(self.workspace.meta.namespace, self.workspace.meta.name)
        found = await asyncio.gather(*(self._read(ref) for ref in refs))
        self.live = dict(zip(refs, found, strict=True))

    def observed(self, desired: Mapping[Ref, Child]) -> dict[Ref, Observed]:
        """Return how each possible child stands to ``desired``."""
        owner = self.workspace.meta.uid
        return {ref: observe(ref, desired.get(ref), live, owner) for ref, live in self.live.items()}

    async def settle(self, run: Pass, desired: Sequence[Child]) -> None:
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
            if seen.state is State.SURPLUS and not _holds_work(self.workspace, ref, self.live[ref]):
                await self._delete(run, ref)

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


def _holds_work(workspace: Workspace, ref: Ref, live: Object | None) -> bool:
    bound = bool(live and live.get("spec", {}).get("volumeName"))
    return bound and ref.kind == CLAIM.kind and ref.name == workspace_claim(workspace.meta.name)
