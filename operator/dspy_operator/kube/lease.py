"""Leader election by a Lease, with client-go's rules.

Who leads renews the Lease every ``seconds / 3``. Another may take it once *its own* clock has seen the
same record unchanged for ``seconds``; times written in the record are for people only, so clocks need not
agree. Who could not renew for two thirds of ``seconds`` stops leading before anybody else may start.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, Final

from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Conflict, KubeError, NotFound
from dspy_operator.kube.kinds import LEASE

_LOGGER: Final = logging.getLogger(__name__)


class LeaseLost(Exception):
    """This process leads no longer; it must end without another write."""


class LeaderElector:
    """One candidate for one Lease.

    Args:
        identity: unique name of this process.
        seconds: how long a Lease is good without renewal.
        clock: seconds, monotonic.
        sleep: waits for that many seconds.
    """

    def __init__(
        self,
        client: KubeClient,
        namespace: str,
        name: str,
        identity: str,
        *,
        seconds: float,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._namespace = namespace
        self._name = name
        self._path = f"{LEASE.path(namespace)}/{name}"
        self._identity = identity
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._seen: tuple[str, float] = ("", 0.0)  # resourceVersion, and when we first saw it
        self._held: Object | None = None

    async def acquire(self) -> None:
        """Wait until this process leads."""
        told = ""
        while True:
            try:
                holder = await self._try()
            except KubeError as error:
                holder = ""
                _LOGGER.warning("cannot take the Lease %s: %s", self._name, error.message)
            if self._held is not None:
                _LOGGER.info("leading", extra={"lease": self._name, "identity": self._identity})
                return
            if holder and holder != told:
                told = holder
                _LOGGER.info("waiting: %s leads", holder)
            await self._sleep(self._seconds / 3)

    async def keep(self) -> None:
        """Renew for ever. Raises LeaseLost when that failed for too long or another leads."""
        renewed = self._clock()
        wait = self._seconds / 3
        while True:
            await self._sleep(wait)
            try:
                async with asyncio.timeout(self._seconds / 3):
                    holder = await self._try()
            except (KubeError, TimeoutError) as error:
                _LOGGER.warning("cannot renew the Lease %s: %s", self._name, error)
                holder = ""
            wait = self._seconds / (3 if holder else 12)
            if holder == self._identity:
                renewed = self._clock()
            elif holder:
                raise LeaseLost(f"{holder} holds the Lease {self._name} now.")
            elif self._clock() - renewed >= self._seconds * 2 / 3:
                raise LeaseLost(f"The Lease {self._name} could not be renewed in time.")

    async def release(self) -> None:
        """Give the Lease up, so that another candidate need not wait for it to run out."""
        if self._held is None:
            return
        body = self._body(self._held)
        body["spec"] |= {"holderIdentity": "", "leaseDurationSeconds": 1}
        self._held = None
        try:
            await self._client.replace(self._path, body)
        except KubeError as error:
            _LOGGER.warning("cannot release the Lease %s: %s", self._name, error.message)

    async def _try(self) -> str:
        """Take or renew the Lease if that is allowed now; return who holds it."""
        try:
            live = await self._client.get(self._path)
        except NotFound:
            return await self._write(None)
        spec = live.get("spec", {})
        holder = str(spec.get("holderIdentity") or "")
        version = str(live["metadata"]["resourceVersion"])
        if version != self._seen[0]:
            self._seen = (version, self._clock())
        if holder in ("", self._identity):
            return await self._write(live)
        self._held = None
        runs_out = self._seen[1] + float(spec.get("leaseDurationSeconds") or self._seconds)
        return await self._write(live) if self._clock() >= runs_out else holder

    async def _write(self, live: Object | None) -> str:
        body = self._body(live)
        try:
            if live is None:
                self._held = await self._client.create(LEASE.path(self._namespace), body)
            else:
                self._held = await self._client.replace(self._path, body)
        except Conflict:
            self._held = None
            return ""
        self._seen = (self._held["metadata"]["resourceVersion"], self._clock())
        return self._identity

    def _body(self, live: Object | None) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        old: dict[str, Any] = (live or {}).get("spec", {})
        ours = old.get("holderIdentity") == self._identity
        meta = {"name": self._name, "namespace": self._namespace}
        if live is not None:
            meta["resourceVersion"] = live["metadata"]["resourceVersion"]
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": meta,
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": max(1, round(self._seconds)),
                "acquireTime": old.get("acquireTime", now) if ours else now,
                "renewTime": now,
                "leaseTransitions": int(old.get("leaseTransitions") or 0) + (0 if ours else 1),
            },
        }
