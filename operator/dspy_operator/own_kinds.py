"""Events of our own two kinds, by kopf.

kopf runs in a thread with an event loop of its own: when it ends, for whatever reason, it cancels every
task of its loop that it does not know. Its handlers only pass on which resource changed.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import kopf

from dspy_agent_core.contracts.cluster import GROUP, VERSION
from dspy_operator.kube.credentials import KopfCredentials
from dspy_operator.kube.kinds import JOB, WORKSPACE
from dspy_operator.kube.watch import SERVER_TIMEOUT_SECONDS
from dspy_operator.queue import Key, Version

_LOGGER: Final = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """A resource was seen in a list (``kind`` is None) or in an event (ADDED, MODIFIED, DELETED)."""

    kind: str | None
    key: Key
    version: Version


class OwnKinds:
    """Watches AgentWorkspaces and RLTrainingJobs.

    Args:
        namespaces: where; empty: everywhere.
        tell: called in the loop that `run` runs in.
        idle_seconds: a watch that is silent for so long is taken up again.
    """

    def __init__(
        self,
        credentials: KopfCredentials,
        namespaces: tuple[str, ...],
        tell: Callable[[OwnEvent], None],
        *,
        idle_seconds: float,
    ) -> None:
        self._credentials = credentials
        self._namespaces = namespaces
        self._tell = tell
        self._idle_seconds = idle_seconds

    async def run(self) -> None:
        """Watch until cancelled; kopf is started again when it fails (as it does without our CRDs)."""
        while True:
            stop = threading.Event()
            task = asyncio.create_task(asyncio.to_thread(self._serve, stop, asyncio.get_running_loop()))
            try:
                await asyncio.shield(task)
            except asyncio.CancelledError:
                stop.set()
                await asyncio.wait({task})
                raise
            except Exception as error:
                _LOGGER.warning("the watch of our own resources ended: %s", error)
            await asyncio.sleep(1.0)

    def _serve(self, stop: threading.Event, loop: asyncio.AbstractEventLoop) -> None:
        asyncio.run(
            kopf.operator(
                registry=self._registry(loop),
                settings=self._settings(),
                standalone=True,
                clusterwide=not self._namespaces,
                namespaces=self._namespaces,
                stop_flag=stop,
            )
        )

    def _settings(self) -> kopf.OperatorSettings:
        settings = kopf.OperatorSettings()
        settings.posting.enabled = False
        settings.scanning.disabled = True
        settings.queueing.idle_timeout = 0.01
        settings.watching.server_timeout = SERVER_TIMEOUT_SECONDS
        settings.watching.inactivity_timeout = self._idle_seconds
        settings.watching.chunk_size = 500
        settings.networking.enforce_retry_after = True
        return settings

    def _registry(self, loop: asyncio.AbstractEventLoop) -> kopf.OperatorRegistry:
        registry = kopf.OperatorRegistry()
        kopf.on.login(registry=registry)(lambda **_: self._credentials.refresh())
        for kind in (WORKSPACE, JOB):

            def seen(type: str | None, meta: Any, plural: str = kind.plural, **_: Any) -> None:
                key = Key(plural, meta["namespace"], meta["name"])
                event = OwnEvent(type, key, (meta["uid"], meta["resourceVersion"]))
                loop.call_soon_threadsafe(self._tell, event)

            kopf.on.event(GROUP, VERSION, kind.plural, registry=registry, id=kind.plural)(seen)
        return registry
