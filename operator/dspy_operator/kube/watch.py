"""Watching a kind's metadata, and noticing when the watch is not alive.

Children are watched as ``PartialObjectMetadata``: an event then costs a few hundred bytes whatever the
object holds. The API server sends a bookmark a minute; a stream that stays silent for longer is dead,
however open its connection looks, and is taken up again from the last resourceVersion seen.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import Unreachable, from_status

BOOKMARK: Final = "BOOKMARK"
SERVER_TIMEOUT_SECONDS: Final = 300
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class WatchEvent:
    """``kind`` is ADDED, MODIFIED, DELETED or BOOKMARK; ``metadata`` the object's own."""

    kind: str
    metadata: dict[str, Any]

    @property
    def resource_version(self) -> str:
        """The place in the stream after this event."""
        return str(self.metadata.get("resourceVersion", ""))


async def watch_metadata(
    client: KubeClient,
    path: str,
    *,
    labels: str,
    since: str,
    idle_seconds: float,
) -> AsyncIterator[WatchEvent]:
    """Yield events of a collection after the resourceVersion ``since`` until the server ends the stream.

    Raises:
        Gone: ``since`` is too old.
        KubeError: anything else; Unreachable also for a stream that stayed silent.
    """
    params = {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "resourceVersion": since,
        "timeoutSeconds": str(SERVER_TIMEOUT_SECONDS),
        "labelSelector": labels,
    }
    lines = client.stream(path, params=params, accept=_METADATA, idle_seconds=idle_seconds)
    async for line in lines:
        if not line:
            continue
        try:
            event = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise Unreachable(f"watch of {path}: a broken line") from error
        if event["type"] == "ERROR":
            status = event.get("object", {})
            raise from_status(int(status.get("code", 500)), status)
        yield WatchEvent(event["type"], event["object"].get("metadata", {}))
