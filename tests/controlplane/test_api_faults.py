"""An API server that refuses, breaks off, or answers late or stale."""

from __future__ import annotations

import pytest

from .proxy import Fault, FaultProxy, reads, writes
from .running import Operators, idle
from .world import OLLAMA, Object, World

SPEC: Object = {"model": OLLAMA}
BURSTS = {
    "409": Fault(writes, times=4, status=409),
    "429": Fault(writes, times=2, status=429, headers={"Retry-After": "1"}),
    "500": Fault(writes, times=5, status=500),
    "500 on reads": Fault(reads, times=5, status=500),
    "reset": Fault(writes, times=3, reset=True),
    "reset in mid-body of a write": Fault(writes, times=3, cut=True),
    "reset in mid-body of a read": Fault(reads, times=5, cut=True),
    "late": Fault(writes, times=1, delay=5.0),
}


@pytest.mark.parametrize("name", BURSTS)
async def test_bursts(name: str, operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        await world.clean("one")
        burst = BURSTS[name]
        proxy.faults.append(burst)
        await world.apply("one", SPEC)
        await world.until_state("one", want)
        assert burst.hits == burst.times


async def test_one_refused_child_does_not_stop_the_others(
    operators: Operators, world: World, proxy: FaultProxy
) -> None:
    def config_map(method: str, path: str) -> bool:
        return writes(method, path) and "/configmaps/" in path

    proxy.faults.append(Fault(config_map, times=1000, status=422))
    async with operators.running():
        await world.apply("one", SPEC)
        told = await world.until_condition("one", status="False", reason="AdmissionRefused")
        assert "injected 422" in told["message"]
        kinds = {ref.kind for ref in await world.children("one")}
        assert {"StatefulSet", "Deployment", "Service"} <= kinds
        assert "ConfigMap" not in kinds
        proxy.faults.clear()
        await world.until_there(f"/api/v1/namespaces/{world.namespace}/configmaps/one-agent")

        async def recovered() -> bool:
            return (await world.condition("one")).get("reason") != "AdmissionRefused"

        await world.until(recovered, "the refusal was never taken back")


async def test_stale_reads(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        proxy.freeze_reads()
        await world.apply("one", SPEC, note="read and frozen")

        async def read_again() -> bool:
            return proxy.has_frozen("/agentworkspaces/one")

        await world.until(read_again, "never read")
        await world.apply("one", {"model": {"none": {}}})
        await idle(operator)
        proxy.thaw_reads()
        await world.until_gone(f"/apis/apps/v1/namespaces/{world.namespace}/deployments/one-model")
        await world.until_told("one")
