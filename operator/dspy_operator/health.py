"""/healthz, /readyz and /metrics.

/healthz is about progress, not about being up: it fails when a watch of ours has shown neither an event
nor a bookmark for too long, or when audits fail for too long, so that the kubelet restarts the process. A
standby has no watches and is healthy as long as it answers.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Final

from aiohttp import web

from dspy_operator.metrics import Metrics

STALE_WATCH_SECONDS: Final = 300.0


class Health:
    """When each part of the operator last made progress.

    Args:
        clock: seconds, monotonic.
        audit_seconds: an audit older than this is a fault.
    """

    def __init__(self, clock: Callable[[], float], audit_seconds: float) -> None:
        self._clock = clock
        self._audit_seconds = audit_seconds
        self._watches: dict[str, float] = {}
        self._audited: float | None = None
        self.connected = False

    def watch_advanced(self, name: str) -> None:
        """Note an event, a bookmark or a fresh list of one watch."""
        self._watches[name] = self._clock()

    def watch_ended(self, name: str) -> None:
        """Note that a watch ended for good: its kind is gone."""
        self._watches.pop(name, None)

    def audited(self) -> None:
        """Note a finished audit."""
        self._audited = self._clock()

    def reset(self) -> None:
        """Forget everything: the watches start anew, or this process does not lead."""
        self._watches.clear()
        self._audited = None

    def problems(self) -> list[str]:
        """Return what makes no progress, one sentence each."""
        now = self._clock()
        found = [
            f"the watch of {name} shows nothing for {now - seen:.0f} s"
            for name, seen in sorted(self._watches.items())
            if now - seen > STALE_WATCH_SECONDS
        ]
        if self._audited is not None and now - self._audited > self._audit_seconds:
            found.append(f"the last audit is {now - self._audited:.0f} s old")
        return found


@contextlib.asynccontextmanager
async def serving(health: Health, metrics: Metrics, port: int) -> AsyncIterator[int]:
    """Serve the three endpoints on all interfaces; yields the port, which is a free one for port 0."""

    async def healthz(_: web.Request) -> web.Response:
        problems = health.problems()
        return web.Response(text="\n".join(problems) or "ok", status=503 if problems else 200)

    async def readyz(_: web.Request) -> web.Response:
        ready = health.connected and not health.problems()
        return web.Response(text="ok" if ready else "not ready", status=200 if ready else 503)

    async def text(_: web.Request) -> web.Response:
        return web.Response(body=metrics.text(), headers={"Content-Type": "text/plain; version=0.0.4"})

    app = web.Application()
    app.add_routes(
        [web.get("/healthz", healthz), web.get("/readyz", readyz), web.get("/metrics", text)],
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, None, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
