"""Events for `kubectl describe`: posted beside the work, never in its way."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from dspy_operator.kube.client import FIELD_MANAGER, KubeClient, Object
from dspy_operator.kube.errors import KubeError
from dspy_operator.kube.kinds import EVENT
from dspy_operator.status.verdict import PROGRESS, SUSPENDED

_LOGGER: Final = logging.getLogger(__name__)
_TOLD: Final = ("Ready", "Suspended")  # Ready sums the others up
_BACKLOG: Final = 1000
_CALM: Final = PROGRESS | {SUSPENDED}


class Recorder:
    """Turns changes of conditions into Events. A full backlog drops Events; they are hints, no state."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client
        self._backlog: asyncio.Queue[Object] = asyncio.Queue(_BACKLOG)

    def changed(self, obj: Object, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
        """Queue an Event for each condition whose status or reason is another now.

        A new resource that makes its first steps is no news.
        """
        for condition in _changes(before, after):
            if not before and condition["reason"] in _CALM:
                continue
            try:
                self._backlog.put_nowait(_event(obj, condition))
            except asyncio.QueueFull:
                return

    async def run(self) -> None:
        """Post for ever."""
        while True:
            body = await self._backlog.get()
            try:
                await self._client.create(EVENT.path(body["metadata"]["namespace"]), body)
            except KubeError as error:
                _LOGGER.debug("an Event was refused: %s", error.message)


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    old = {c["type"]: (c["status"], c["reason"]) for c in before.get("conditions", [])}
    for condition in after.get("conditions", []):
        if condition["type"] not in _TOLD:
            continue
        known = old.get(condition["type"], ("False", "") if condition["type"] == "Suspended" else ("", ""))
        same_off = condition["type"] == "Suspended" and condition["status"] == known[0] == "False"
        if (condition["status"], condition["reason"]) != known and not same_off:
            yield condition


def _event(obj: Object, condition: Mapping[str, Any]) -> Object:
    meta = obj["metadata"]
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    worse = condition["type"] == "Ready" and condition["status"] == "False"
    return {
        "apiVersion": EVENT.api_version,
        "kind": EVENT.kind,
        "metadata": {"name": f"{meta['name']}.{secrets.token_hex(8)}", "namespace": meta["namespace"]},
        "involvedObject": {
            "apiVersion": obj["apiVersion"],
            "kind": obj["kind"],
            "namespace": meta["namespace"],
            "name": meta["name"],
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
        },
        "type": "Warning" if worse and condition["reason"] not in _CALM else "Normal",
        "reason": condition["reason"],
        "message": f"{condition['type']} is {condition['status']}: {condition.get('message', '')}"[:1024],
        "source": {"component": FIELD_MANAGER},
        "reportingComponent": FIELD_MANAGER,
        "reportingInstance": FIELD_MANAGER,
        "firstTimestamp": now,
        "lastTimestamp": now,
        "count": 1,
    }
