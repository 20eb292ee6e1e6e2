"""Running operators: in this process (quick to kill) and as a real process."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from dspy_operator.kube.credentials import KopfCredentials
from dspy_operator.main import Operator
from dspy_operator.settings import Settings

from . import bed
from .proxy import FaultProxy
from .world import World

WATCH_IDLE_SECONDS = 3.0


def settings_for(namespace: str, **changes: object) -> Settings:
    """Settings of an operator that serves one namespace and keeps its Lease there."""
    base = Settings(
        namespaces=(namespace,),
        operator_namespace=bed.OPERATOR_NAMESPACE,
        lease_name=namespace,
        lease_seconds=10.0,
        workers=4,
        http_port=0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@dataclass
class Running:
    """An operator in this process."""

    operator: Operator
    task: asyncio.Task[None]

    async def kill(self) -> None:
        """End it at once: nothing is finished, nothing is released."""
        self.task.cancel()
        await asyncio.wait({self.task})

    async def stop(self) -> None:
        """End it as SIGTERM does."""
        self.operator.stop()
        await self.task


@dataclass
class Operators:
    """Starts operators behind one proxy."""

    plane: bed.ControlPlane
    proxy: FaultProxy
    namespace: str
    monkeypatch: pytest.MonkeyPatch

    @contextlib.asynccontextmanager
    async def running(self, **changes: object) -> AsyncIterator[Running]:
        """An operator in this process, killed at the end of the block unless it was stopped."""
        config = self.plane.kubeconfig(bed.OPERATOR_TOKEN, self.proxy.url)
        self.monkeypatch.setenv("KUBECONFIG", str(config))
        operator = Operator(
            settings_for(self.namespace, **changes),
            KopfCredentials(),
            watch_idle_seconds=WATCH_IDLE_SECONDS,
        )
        started = Running(operator, asyncio.create_task(operator.run()))
        try:
            yield started
        finally:
            if not started.task.done():
                await started.kill()
            elif not started.task.cancelled() and started.task.exception() is not None:
                raise started.task.exception()  # type: ignore[misc]

    def process(self, log: Path, **environment: str) -> subprocess.Popen[bytes]:
        """Start the operator as a process of its own."""
        config = self.plane.kubeconfig(bed.OPERATOR_TOKEN, self.proxy.url)
        env = {
            **os.environ,
            "KUBECONFIG": str(config),
            "DSPY_OPERATOR_NAMESPACES": self.namespace,
            "DSPY_OPERATOR_OPERATOR_NAMESPACE": bed.OPERATOR_NAMESPACE,
            "DSPY_OPERATOR_LEASE_NAME": self.namespace,
            "DSPY_OPERATOR_LEASE_SECONDS": "6",
            "DSPY_OPERATOR_HTTP_PORT": str(bed.free_port()),
            **environment,
        }
        return bed.spawn([sys.executable, "-m", "dspy_operator.main"], log, env)


async def idle(operator: Running) -> None:
    async def nothing_due() -> bool:
        assert not operator.task.done(), operator.task
        return operator.operator.metrics.registry.get_sample_value("dspy_operator_queue_depth") == 0

    await bed.eventually(nothing_due, 20, "the queue never emptied")


def lease_path(namespace: str) -> str:
    """Where the Lease of the operators of ``namespace`` lies."""
    return f"/apis/coordination.k8s.io/v1/namespaces/{bed.OPERATOR_NAMESPACE}/leases/{namespace}"


async def forget_lease(world: World) -> None:
    """As if the dead leader's Lease had run out."""
    path = lease_path(world.namespace)
    if await world.exists(path):
        await world.remove(path)
