"""The watches of children: an event queues the workspace that the child belongs to."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from dspy_operator.audit import OUR_CHILDREN, Position, Scope, workspace_of
from dspy_operator.children import OPTIONAL_KINDS, Kind
from dspy_operator.health import Health
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import Gone, KubeError, NotFound
from dspy_operator.kube.kinds import WORKSPACE
from dspy_operator.kube.watch import BOOKMARK, watch_metadata
from dspy_operator.metrics import Metrics
from dspy_operator.queue import Key, WorkQueue

IDLE_SECONDS: Final = 75.0  # a bookmark comes every 60 s
_RETRY_SECONDS: Final = (0.2, 5.0)
_LOGGER: Final = logging.getLogger(__name__)


class ChildWatch:
    """Watches one kind in one scope for ever.

    Args:
        lists: runs an audit and returns where it ended; called when events were lost for good.
    """

    def __init__(
        self,
        client: KubeClient,
        kind: Kind,
        scope: Scope,
        queue: WorkQueue,
        health: Health,
        metrics: Metrics,
        lists: Callable[[], Awaitable[Position]],
        *,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._client = client
        self._kind = kind
        self._scope = scope
        self._queue = queue
        self._health = health
        self._metrics = metrics
        self._lists = lists
        self._idle_seconds = idle_seconds
        self._name = f"{kind.plural} in {scope or 'all namespaces'}"

    async def run(self, since: str) -> None:
        """Queue the workspaces whose children change after the resourceVersion ``since``.

        The watch of an optional kind returns when the cluster no longer has that kind.
        """
        try:
            await self._run(since)
        finally:
            self._health.watch_ended(self._name)

    async def _run(self, since: str) -> None:
        delay = 0.0
        self._health.watch_advanced(self._name)
        while True:
            before = since
            try:
                since = await self._follow(since)
                cause = "end"
            except NotFound:
                _LOGGER.info("watch of %s ended: the cluster no longer has it", self._name)
                return
            except Gone:
                cause = "gone"
                listed = (await self._lists()).get((self._kind, self._scope))
                if listed is None:
                    return
                since = listed
                self._health.watch_advanced(self._name)
            except _Broken as broken:
                cause, since = "error", broken.since
                _LOGGER.info("watch of %s broke off: %s", self._name, broken)
            self._metrics.watch_restarts.labels(self._kind.plural, cause).inc()
            delay = 0.0 if since != before else min(_RETRY_SECONDS[1], max(_RETRY_SECONDS[0], delay * 2))
            await asyncio.sleep(delay * random.uniform(0.5, 1.0))  # noqa: S311  jitter, no secret

    async def _follow(self, since: str) -> str:
        path = self._kind.path(self._scope)
        events = watch_metadata(
            self._client, path, labels=OUR_CHILDREN, since=since, idle_seconds=self._idle_seconds
        )
        try:
            async for event in events:
                self._health.watch_advanced(self._name)
                since = event.resource_version or since
                if event.kind != BOOKMARK:
                    self._add(event.metadata)
        except Gone:
            raise
        except NotFound as error:
            if self._kind in OPTIONAL_KINDS:
                raise
            raise _Broken(since, str(error)) from error
        except KubeError as error:
            raise _Broken(since, str(error)) from error
        return since

    def _add(self, meta: Mapping[str, Any]) -> None:
        name = workspace_of(meta)
        if name:
            version = (str(meta.get("uid", "")), str(meta.get("resourceVersion", "")))
            self._queue.add(Key(WORKSPACE.plural, str(meta.get("namespace", "")), name), shown=version)


class _Broken(Exception):
    """The stream broke off; everything up to ``since`` was seen."""

    def __init__(self, since: str, message: str) -> None:
        super().__init__(message)
        self.since = since


class OptionalWatches:
    """The watches of kinds that the cluster may lack: one begins when its kind is there, and ends with it.

    Args:
        start: starts a watch as a task from a resourceVersion.
    """

    def __init__(self, start: Callable[[Kind, Scope, str], asyncio.Task[None]]) -> None:
        self._start = start
        self._tasks: dict[tuple[Kind, Scope], asyncio.Task[None]] = {}

    def follow(self, position: Position) -> None:
        """Watch what an audit listed, and nothing else."""
        for key in [key for key, task in self._tasks.items() if task.done() or key not in position]:
            self._tasks.pop(key).cancel()
        for (kind, scope), since in position.items():
            if kind in OPTIONAL_KINDS and (kind, scope) not in self._tasks:
                self._tasks[kind, scope] = self._start(kind, scope, since)

    def stop(self) -> None:
        """End all of them."""
        self.follow({})
