"""Leader election against a real Lease, by a clock that the test moves."""

from __future__ import annotations

import asyncio

import pytest

from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.lease import LeaderElector, LeaseLost

from . import bed
from .conftest import Token
from .proxy import Fault, FaultProxy
from .running import lease_path
from .world import World


class Clock:
    """Time that passes only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def elector(client: KubeClient, world: World, identity: str, clock: Clock) -> LeaderElector:
    return LeaderElector(
        client, "dspy-system", world.namespace, identity, seconds=15.0, clock=clock, sleep=clock.sleep
    )


async def test_the_second_waits_until_the_record_stood_still(world: World) -> None:
    await elector(world.admin, world, "first", Clock()).acquire()
    clock = Clock()
    await elector(world.admin, world, "second", clock).acquire()
    assert 15.0 <= clock.now <= 25.0
    lease = await world.admin.get(lease_path(world.namespace))
    assert lease["spec"]["holderIdentity"] == "second"
    assert lease["spec"]["leaseTransitions"] == 2


async def test_a_released_lease_is_free_at_once(world: World) -> None:
    first = elector(world.admin, world, "first", Clock())
    await first.acquire()
    await first.release()
    clock = Clock()
    await elector(world.admin, world, "second", clock).acquire()
    assert clock.now == 0.0


async def test_who_was_overtaken_stops(world: World) -> None:
    first = elector(world.admin, world, "first", Clock())
    await first.acquire()
    await elector(world.admin, world, "second", Clock()).acquire()
    with pytest.raises(LeaseLost, match="second"):
        await first.keep()


async def test_who_cannot_renew_stops_before_another_may_start(world: World, proxy: FaultProxy) -> None:
    async with KubeClient(Token(proxy.url, bed.ADMIN_TOKEN)) as client:
        clock = Clock()
        first = elector(client, world, "first", clock)
        await first.acquire()
        proxy.faults.append(Fault(lambda _, path: "/leases" in path, times=1000, status=500))
        with pytest.raises(LeaseLost, match="in time"):
            await first.keep()
        assert clock.now < 15.0
