"""One term of leadership: audits, watches of children, workers.

Events of our own two kinds come from outside (`own_kinds`), by `Engine.seen`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import itertools
import logging
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from dspy_agent_core.contracts.cluster import API_VERSION
from dspy_operator.audit import Audit, Found, Position, Scope
from dspy_operator.children import OPTIONAL_KINDS, Kind
from dspy_operator.children_watch import IDLE_SECONDS, ChildWatch, OptionalWatches
from dspy_operator.health import Health
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.discovery import served
from dspy_operator.kube.errors import KubeError, NotFound
from dspy_operator.kube.kinds import JOB, WORKSPACE
from dspy_operator.kube.recorder import Recorder
from dspy_operator.metrics import Metrics
from dspy_operator.queue import Key, QueueClosed, Version, WorkQueue
from dspy_operator.reconcile.base import Pass, Reconciler, StatusWriter
from dspy_operator.reconcile.job import JobReconciler
from dspy_operator.reconcile.workspace import WorkspaceReconciler
from dspy_operator.settings import Settings

PROBE_SECONDS: Final = 10.0
_REST_TIMES: Final = 20.0  # audits may take a twentieth of the time
_LONGEST_REST_SECONDS: Final = 300.0
_LOGGER: Final = logging.getLogger(__name__)


class CrdsMissing(Exception):
    """The API server does not serve our resources (any longer)."""


class Engine:
    """Queue, workers, audits and child watches of one process.

    Args:
        watch_idle_seconds: a watch that is silent for so long is taken up again.
    """

    def __init__(
        self,
        client: KubeClient,
        settings: Settings,
        metrics: Metrics,
        health: Health,
        *,
        watch_idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._client = client
        self._settings = settings
        self._metrics = metrics
        self._health = health
        self._idle_seconds = watch_idle_seconds
        self._scopes = settings.namespaces or (None,)
        self._audit = Audit(client, settings, self._scopes, _now)
        self._recorder = Recorder(client)
        self._known: dict[Key, Version] = {}
        self._fresh: set[Key] = set()  # shown by events since the running audit began
        self._wanted: list[asyncio.Future[Position]] = []
        self._wake = asyncio.Event()
        self._stopping = False
        self._audit_took = 0.0
        self.queue = WorkQueue(time.monotonic)
        metrics.queue_depth.set_function(lambda: len(self.queue))
        self._reconcilers: dict[str, Reconciler] = {
            WORKSPACE.plural: WorkspaceReconciler(client, settings, self._writer(WORKSPACE), _now, self._met),
            JOB.plural: JobReconciler(client, self._writer(JOB), _now),
        }

    async def run(self, watch_own_kinds: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Work until cancelled, after `stop` until the running keys are done.

        Raises:
            CrdsMissing: our resources are not served (any longer).
        """
        try:
            async with asyncio.TaskGroup() as group:
                optional = OptionalWatches(
                    lambda kind, scope, since: group.create_task(self._watch(kind, scope).run(since))
                )
                workers = [group.create_task(self._work()) for _ in range(self._settings.workers)]
                helpers = [
                    group.create_task(coroutine)
                    for coroutine in (self._audits(optional), self._recorder.run(), self._probe())
                ]
                helpers.append(group.create_task(self._follow(watch_own_kinds)))
                await asyncio.wait(workers)
                for helper in helpers:
                    helper.cancel()
                optional.stop()
        except* CrdsMissing as errors:
            raise CrdsMissing(str(errors.exceptions[0])) from None

    def stop(self) -> None:
        """Take no further key."""
        self._stopping = True
        self.queue.close()

    def seen(self, key: Key, version: Version, *, listed: bool) -> None:
        """Note an event of a resource of ours; ``listed``: it only shows that the resource is there."""
        if listed and self._known.get(key) == version:
            return
        self._known[key] = version
        self._fresh.add(key)
        self.queue.add(key, shown=version)

    def gone(self, key: Key) -> None:
        """Note that a resource of ours was deleted."""
        self._known.pop(key, None)
        self.queue.add(key)

    def _writer(self, kind: Kind) -> StatusWriter:
        return StatusWriter(self._client, kind, self._recorder, self._metrics.board)

    def _watch(self, kind: Kind, scope: Scope) -> ChildWatch:
        return ChildWatch(
            self._client,
            kind,
            scope,
            self.queue,
            self._health,
            self._metrics,
            self._list,
            idle_seconds=self._idle_seconds,
        )

    async def _follow(self, watch_own_kinds: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Audit, then watch from where its lists ended."""
        position = await self._list()
        async with asyncio.TaskGroup() as group:
            for (kind, scope), since in position.items():
                if kind not in OPTIONAL_KINDS:
                    group.create_task(self._watch(kind, scope).run(since))
            group.create_task(watch_own_kinds())

    async def _work(self) -> None:
        while True:
            try:
                key = await self.queue.get()
            except QueueClosed:
                return
            with self._metrics.duration.labels(key.kind).time():
                await self._pass(Pass(key, self._known.get(key)))

    async def _pass(self, run: Pass) -> None:
        key, result = run.key, "error"
        try:
            after = await self._reconcilers[key.kind].reconcile(run)
        except KubeError as error:
            delay = self.queue.failed(key, wrote=run.wrote, retry_after=error.retry_after)
            self._metrics.errors.labels(key.kind, type(error).__name__).inc()
            _LOGGER.warning("%s; again in %.1f s", error.message, delay, extra=key.log_fields())
        except Exception as error:
            self.queue.failed(key, wrote=run.wrote)
            self._metrics.errors.labels(key.kind, type(error).__name__).inc()
            _LOGGER.exception("a reconcile failed", extra=key.log_fields())
        else:
            self.queue.done(key, wrote=run.wrote, after=after)
            result = "success"
        self._metrics.reconciles.labels(key.kind, result).inc()
        if run.writes:
            self._metrics.writes.labels(key.kind).inc(run.writes)
            _LOGGER.info("reconciled, writes: %d", run.writes, extra=key.log_fields())

    async def _list(self) -> Position:
        """Have an audit run that begins after this call, and return where its lists ended."""
        future: asyncio.Future[Position] = asyncio.get_running_loop().create_future()
        self._wanted.append(future)
        self._wake.set()
        return await future

    async def _audits(self, optional: OptionalWatches) -> None:
        while True:
            try:
                rest = min(_REST_TIMES * self._audit_took, _LONGEST_REST_SECONDS)
                async with asyncio.timeout(max(self._settings.resync_seconds, rest)):
                    await self._wake.wait()
            except TimeoutError:
                _LOGGER.debug("time for an audit")
            self._wake.clear()
            wanted, self._wanted = self._wanted, []
            position = await self._audited()
            optional.follow(position)
            for future in wanted:
                if not future.done():
                    future.set_result(position)

    async def _audited(self) -> Position:
        for attempt in itertools.count():
            started, found = time.monotonic(), _Tally()
            self._fresh.clear()
            try:
                position = await self._audit.run(functools.partial(self._take, found))
            except NotFound as error:
                raise CrdsMissing(error.message) from error
            except KubeError as error:
                delay = min(30.0, 0.5 * 2**attempt)
                _LOGGER.warning("an audit failed: %s; again in %.1f s", error.message, delay)
                await asyncio.sleep(error.retry_after or delay)
                continue
            self._keep_only(frozenset(found.keys))
            self._metrics.audits.inc()
            self._metrics.audit_found.inc(found.again)
            self._health.audited()
            self._audit_took = time.monotonic() - started
            tell = _LOGGER.info if found.again else _LOGGER.debug
            tell("audit: %d resources, %d differ, %.1f s", len(found.keys), found.again, self._audit_took)
            return position
        raise AssertionError("unreachable")

    def _keep_only(self, keys: frozenset[Key]) -> None:
        self._metrics.board.keep_only(keys)
        for key in self._known.keys() - keys:
            if key not in self._fresh:
                del self._known[key]

    def _take(self, tally: _Tally, each: Found) -> None:
        tally.keys.append(each.key)
        if each.key not in self._fresh:
            self._known[each.key] = each.version
        self._metrics.board.show(each.key, each.status)
        if each.again:
            tally.again += 1
            self.queue.add(each.key)
        elif each.after is not None:
            self.queue.add_after(each.key, each.after)

    async def _probe(self) -> None:
        """Notice within seconds that our resources are served no longer, or an optional kind is or isn't."""
        while True:
            await asyncio.sleep(PROBE_SECONDS)
            if await crds_missing(self._client):
                raise CrdsMissing(f"The API server no longer serves {API_VERSION}.")
            with contextlib.suppress(KubeError):
                self._met(await served(self._client, OPTIONAL_KINDS))

    def _met(self, served: frozenset[Kind]) -> None:
        """Have an audit start or end the watches of optional kinds, if these are other ones than before."""
        if served != self._audit.served:
            self._wake.set()


@dataclass(slots=True)
class _Tally:
    keys: list[Key] = field(default_factory=list)
    again: int = 0


async def crds_missing(client: KubeClient) -> bool:
    """Whether the API server says that it lacks our resources; no answer means no."""
    try:
        found = await client.get(WORKSPACE.path(None).rpartition("/")[0])
    except NotFound:
        return True
    except KubeError:
        return False
    served = {resource["name"] for resource in found.get("resources", [])}
    return not {WORKSPACE.plural, JOB.plural} <= served


def _now() -> datetime:
    return datetime.now(UTC)
