"""AgentWorkspace: from the live resource and its live children to the desired ones, and the status."""

from __future__ import annotations

import dataclasses
import logging
import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from dspy_operator.api.workspace import InvalidSpec, Workspace, parse
from dspy_operator.children import CLAIM, Kind
from dspy_operator.desired import desired
from dspy_operator.facts import Facts
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import NotFound
from dspy_operator.kube.kinds import WORKSPACE
from dspy_operator.lifecycle import due_for_deletion, next_deadline, suspension
from dspy_operator.observe import claim_facts
from dspy_operator.queue import Key
from dspy_operator.reconcile.base import Clock, Pass, StatusWriter, version_of
from dspy_operator.reconcile.live import LiveChildren, NamespaceEnds, may_stream
from dspy_operator.reconcile.progress import (
    POLL_FIRST_SECONDS,
    POLL_LONGEST_SECONDS,
    POLL_SHARE_SECONDS,
    read_progress,
)
from dspy_operator.settings import Settings
from dspy_operator.status import invalid_status, status

_LOGGER: Final = logging.getLogger(__name__)


class WorkspaceReconciler:
    """Level-triggered: the outcome depends on what is there now, not on what happened.

    Args:
        tell_served: is told which optional kinds a workspace with streams met.
    """

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        writer: StatusWriter,
        now: Clock,
        tell_served: Callable[[frozenset[Kind]], None],
    ) -> None:
        self._client = client
        self._settings = settings
        self._writer = writer
        self._now = now
        self._tell_served = tell_served
        self._polls: dict[Key, float] = {}

    async def reconcile(self, run: Pass) -> float | None:
        """Bring one workspace to its desired state; return the seconds until it needs another look."""
        path = f"{WORKSPACE.path(run.key.namespace)}/{run.key.name}"
        try:
            obj = await self._client.get(path)
        except NotFound:
            run.check_fresh(None)
            self._writer.board.forget(run.key)
            self._polls.pop(run.key, None)
            return None
        run.check_fresh(obj)
        if "deletionTimestamp" in obj["metadata"]:
            return None
        try:
            workspace = parse(obj)
        except InvalidSpec as error:
            await self._writer.write(run, obj, invalid_status(error, obj.get("status") or {}, self._now()))
            return None
        if due_for_deletion(workspace, Facts(self._now())):
            uid, resource_version = version_of(obj)
            _LOGGER.info("deleting: shutdownTime has passed", extra=run.key.log_fields())
            await self._client.delete(path, uid=uid, resource_version=resource_version)
            return None
        try:
            return await self._settle(run, obj, workspace)
        except NamespaceEnds:
            return None

    async def _settle(self, run: Pass, obj: Object, workspace: Workspace) -> float | None:
        children = LiveChildren(self._client, workspace)
        await children.read()
        served = frozenset(children.served)
        if may_stream(workspace):
            self._tell_served(served)
        facts = Facts(self._now(), claims=_claims(children, workspace), served=served)
        wanted = desired(workspace, facts, self._settings)
        await children.read_named(child.ref for child in wanted)
        await children.settle(run, wanted, facts.now)
        observed = children.observed({child.ref: child for child in wanted})
        facts = dataclasses.replace(facts, refusals=children.refusals)
        previous = obj.get("status") or {}
        new = status(workspace, observed, (), facts, self._settings, previous)
        resting = suspension(workspace, facts) is not None
        if not is_ready(new) and not resting and not run.writes:
            # What was written just now has no pods yet; the next look comes soon.
            meta = workspace.meta
            seen = await read_progress(self._client, meta.namespace, meta.name, observed.values())
            facts = dataclasses.replace(facts, events=seen.events or {}, pull=seen.pull, vectors=seen.vectors)
            new = status(workspace, observed, seen.pods, facts, self._settings, previous)
        await self._writer.write(run, obj, new)
        calm = all(child.settled for child in observed.values() if child.wanted)
        return self._next(run, next_deadline(workspace, facts), settled=is_ready(new) or (resting and calm))

    def _next(self, run: Pass, deadline: float | None, *, settled: bool) -> float | None:
        """Return when to look again: at the deadline, and while not ready ever less often."""
        if settled:
            self._polls.pop(run.key, None)
            return deadline
        poll = self._polls.get(run.key, POLL_FIRST_SECONDS)
        poll = POLL_FIRST_SECONDS if run.writes else min(poll * 1.5, POLL_LONGEST_SECONDS)
        self._polls[run.key] = poll
        poll = max(poll, len(self._polls) * POLL_SHARE_SECONDS) * random.uniform(0.8, 1.2)  # noqa: S311
        return poll if deadline is None else min(poll, deadline)


def is_ready(status: Mapping[str, Any]) -> bool:
    """Whether the Ready condition holds."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in status.get("conditions", []))


def _claims(children: LiveChildren, workspace: Workspace) -> dict[str, Any]:
    found = {
        ref.name: claim_facts(ref, live, workspace.meta.uid)
        for ref, live in children.live.items()
        if ref.kind == CLAIM.kind
    }
    return {name: claim for name, claim in found.items() if claim is not None}
