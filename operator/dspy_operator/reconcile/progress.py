"""Why a workspace is not ready yet: its pods, its children's events, the last words of two programs.

All of this is read only while something is not ready, and less often the longer nothing changes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dspy_agent_core.contracts.cluster import (
    CONTAINER_MODEL_PULL,
    LABEL_WORKSPACE,
    PullProgress,
    Termination,
)
from dspy_operator.children import BATCH_JOB, CLAIM, DEPLOYMENT, STATEFUL_SET, Ref
from dspy_operator.desired.common import VECTORS
from dspy_operator.facts import Event
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Rejected
from dspy_operator.kube.kinds import EVENT, POD
from dspy_operator.observe import Observed, PodFacts, observe_pod

POLL_FIRST_SECONDS: Final = 3.0
POLL_LONGEST_SECONDS: Final = 30.0
POLL_SHARE_SECONDS: Final = 0.04  # for each workspace that is not ready: 25 looks a second in all
_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What was read: pods, events of children (newest last), last lines of model pull and store watch."""

    pods: tuple[PodFacts, ...] = ()
    events: Mapping[Ref, tuple[Event, ...]] | None = None
    pull: PullProgress | None = None
    vectors: Termination | None = None


async def read_progress(
    client: KubeClient, namespace: str, name: str, observed: Iterable[Observed]
) -> Progress:
    """Read why the workspace ``name`` is not ready."""
    path = POD.path(namespace)
    labels = f"{LABEL_WORKSPACE}={name}"
    pods = [observe_pod(pod) async for page in client.pages(path, labels=labels) for pod in page.items]
    unscheduled = any(pod.unschedulable for pod in pods)
    stuck = [child for child in observed if _stuck(child, unscheduled=unscheduled)]
    found = await asyncio.gather(*(_events(client, namespace, child) for child in stuck))
    events = {child.ref: events for child, events in zip(stuck, found, strict=True)}
    pull = PullProgress.loads(await _last_line(client, path, pods, CONTAINER_MODEL_PULL))
    vectors = Termination.loads(await _last_line(client, path, pods, VECTORS))
    return Progress(tuple(pods), events, pull, vectors)


def _stuck(child: Observed, *, unscheduled: bool) -> bool:
    """Whether events are worth their price: the API server reads all of a namespace to find a few."""
    if not child.exists or not child.wanted:
        return False
    if child.ref.kind == CLAIM.kind:
        return child.claim_phase == "Pending" and unscheduled
    handled = child.observed_generation > 0
    workload = child.ref.kind in (STATEFUL_SET.kind, DEPLOYMENT.kind, BATCH_JOB.kind)
    return workload and handled and child.current_replicas < child.replicas


async def _events(client: KubeClient, namespace: str, child: Observed) -> tuple[Event, ...]:
    fields = f"involvedObject.uid={child.uid}"
    items: list[Object] = []
    try:
        async for page in client.pages(EVENT.path(namespace), fields=fields):
            items += page.items
    except Rejected as error:
        _LOGGER.debug("cannot read events: %s", error.message)
    items.sort(key=lambda item: item.get("lastTimestamp") or item.get("eventTime") or "")
    return tuple(Event(item.get("reason", ""), item.get("message", "")) for item in items[-8:])


async def _last_line(client: KubeClient, path: str, pods: Iterable[PodFacts], name: str) -> str:
    """Return what the container ``name`` said last, if it runs and is not ready; else ''."""
    for pod in pods:
        for container in pod.containers:
            works = container.name == name and not container.ready and not container.waiting_reason
            if works and pod.phase == "Running" and not pod.terminating:
                return await _tail(client, f"{path}/{pod.name}", name)
    return ""


async def _tail(client: KubeClient, path: str, name: str) -> str:
    try:
        lines = (await client.log_tail(path, name)).splitlines()
    except Rejected as error:
        _LOGGER.debug("cannot read the log of %s: %s", name, error.message)
        return ""
    return lines[-1] if lines else ""
