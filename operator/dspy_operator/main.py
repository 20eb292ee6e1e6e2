"""The operator's process: settings, logs, leadership, signals."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
import uuid
from collections.abc import Awaitable
from typing import Any, Final

import kopf
import uvloop

from dspy_operator import logs
from dspy_operator.children_watch import IDLE_SECONDS
from dspy_operator.engine import CrdsMissing, Engine, crds_missing
from dspy_operator.health import Health, serving
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.credentials import KopfCredentials
from dspy_operator.kube.errors import KubeError
from dspy_operator.kube.lease import LeaderElector, LeaseLost
from dspy_operator.metrics import Metrics
from dspy_operator.own_kinds import OwnEvent, OwnKinds
from dspy_operator.settings import InvalidSettings, Settings

GRACE_SECONDS: Final = 10.0
CRD_POLL_SECONDS: Final = 2.0
_LOGGER: Final = logging.getLogger(__name__)


class Operator:
    """One process of the operator.

    Args:
        watch_idle_seconds: a watch that is silent for so long is taken up again.
    """

    def __init__(
        self, settings: Settings, credentials: KopfCredentials, *, watch_idle_seconds: float = IDLE_SECONDS
    ) -> None:
        self._settings = settings
        self._credentials = credentials
        self._idle_seconds = watch_idle_seconds
        self._stop = asyncio.Event()
        self.metrics = Metrics()
        self.health = Health(time.monotonic, audit_seconds=3 * settings.resync_seconds + 300)

    def stop(self) -> None:
        """End `run` once the keys that are worked on are done."""
        self._stop.set()

    async def run(self) -> None:
        """Wait for the Lease, then work until `stop`. Raises LeaseLost."""
        async with (
            KubeClient(self._credentials) as client,
            serving(self.health, self.metrics, self._settings.http_port),
        ):
            elector = LeaderElector(
                client,
                self._settings.operator_namespace,
                self._settings.lease_name,
                f"{socket.gethostname()}_{uuid.uuid4()}",
                seconds=self._settings.lease_seconds,
                clock=time.monotonic,
            )
            await self._connect(client)
            if not await self._unless_stopped(elector.acquire()):
                return
            self.metrics.leader.set(1)
            try:
                await self._lead(client, elector)
            finally:
                self.metrics.leader.set(0)
                self.health.reset()

    async def _connect(self, client: KubeClient) -> None:
        """Note that the API server answers; it is asked again by all that follows."""
        try:
            await client.get("/version")
        except KubeError as error:
            _LOGGER.warning("the API server does not answer yet: %s", error.message)
        self.health.connected = True

    async def _lead(self, client: KubeClient, elector: LeaderElector) -> None:
        renewing = asyncio.create_task(elector.keep())
        working = asyncio.create_task(self._work(client))
        both = {renewing, working}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                await renewing  # raises LeaseLost
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
        await elector.release()
        await working

    async def _work(self, client: KubeClient) -> None:
        while not self._stop.is_set():
            if not await self._unless_stopped(_await_crds(client)):
                return
            engine = Engine(
                client, self._settings, self.metrics, self.health, watch_idle_seconds=self._idle_seconds
            )
            try:
                await self._serve(engine)
            except CrdsMissing as error:
                _LOGGER.error("%s Waiting for the CRDs.", error)
                self.health.reset()

    async def _serve(self, engine: Engine) -> None:
        def tell(event: OwnEvent) -> None:
            if event.kind == "DELETED":
                engine.gone(event.key)
            else:
                engine.seen(event.key, event.version, listed=event.kind is None)

        own = OwnKinds(self._credentials, self._settings.namespaces, tell, idle_seconds=self._idle_seconds)
        working = asyncio.create_task(engine.run(own.run))
        try:
            if await self._unless_stopped(asyncio.shield(working)):
                return
            _LOGGER.info("stopping: the running reconciles are finished first")
            engine.stop()
            await asyncio.wait({working}, timeout=GRACE_SECONDS)
        finally:
            working.cancel()
            await asyncio.wait({working})

    async def _unless_stopped(self, work: Awaitable[None]) -> bool:
        """Await ``work``, but not beyond `stop`; return whether it came to its end."""
        stopping = asyncio.ensure_future(self._stop.wait())
        running = asyncio.ensure_future(work)
        both: set[asyncio.Future[Any]] = {running, stopping}
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
                return True
            return False
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)


async def _await_crds(client: KubeClient) -> None:
    told = False
    while await crds_missing(client):
        if not told:
            told = True
            _LOGGER.error(
                "The CRDs of dspy.dev are not installed: waiting for them. "
                "Apply crds/, or set crds.install in the chart."
            )
        await asyncio.sleep(CRD_POLL_SECONDS)
    if told:
        _LOGGER.info("the CRDs are there now")


async def _run(settings: Settings) -> None:
    operator = Operator(settings, KopfCredentials())
    loop = asyncio.get_running_loop()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, operator.stop)
    await operator.run()


def main() -> None:
    """Run the operator. Exit code 1: it can't start; 3: leadership was lost."""
    logs.configure()
    try:
        settings = Settings.from_environment(os.environ)
        uvloop.run(_run(settings))
    except (InvalidSettings, kopf.LoginError, OSError) as error:
        _LOGGER.critical("%s", error)
        sys.exit(1)
    except LeaseLost as error:
        _LOGGER.critical("%s Ending, so that only one operator works.", error)
        sys.exit(3)


if __name__ == "__main__":
    main()
