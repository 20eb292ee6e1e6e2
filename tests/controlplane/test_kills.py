"""A kill after any write ends, after a restart, in the state of the run that was not disturbed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path

import pytest

from . import bed
from .proxy import FaultProxy
from .running import Operators, forget_lease, idle
from .world import OLLAMA, Object, State, World

NAME = "one"
FULL: Object = {"model": OLLAMA, "agent": {"env": [{"name": "A", "value": "1"}]}}
CHANGED: Object = {"model": {"none": {}}, "agent": {"env": [{"name": "A", "value": "2"}], "replicas": 2}}
SUSPENDED: Object = {**FULL, "operatingMode": "Suspended"}
STREAMS: Object = {
    "streaming": {
        "kafka": {"bootstrapServers": "kafka:9092"},
        "apps": [{"name": "web"}],
        "contextJob": {"engine": "Spark"},
    }
}
MILVUS: Object = {"vectorStore": {"milvus": {"uri": "http://milvus:19530", "secretRef": {"name": "login"}}}}


@dataclass(frozen=True)
class Change:
    """A change of a workspace: its spec before (None: not there) and after."""

    before: Object | None
    after: Object


CHANGES = {
    "create": Change(None, FULL),
    "update": Change(FULL, CHANGED),
    "suspend": Change(FULL, SUSPENDED),
    "resume": Change(SUSPENDED, FULL),
    "stream": Change({}, STREAMS),
    "stream no more": Change(STREAMS, {}),
    "Milvus": Change({}, MILVUS),
    "Milvus no more": Change(MILVUS, {"vectorStore": {"milvusLite": {}}}),
}


async def undisturbed(
    operators: Operators, world: World, proxy: FaultProxy, change: Change
) -> tuple[State, int]:
    """Return the end state of ``change`` and how many writes it took."""
    async with operators.running() as operator:
        await prepare(world, NAME, change)
        await idle(operator)
        proxy.clear()
        await world.apply(NAME, change.after)
        await world.until_told(NAME)
        await idle(operator)
        state, writes = await world.state(NAME), len(proxy.writes)
    await world.clean(NAME)
    await forget_lease(world)
    return state, writes


async def prepare(world: World, name: str, change: Change) -> None:
    if change.before is not None:
        await world.apply(name, change.before)
        await world.until_told(name)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", CHANGES)
async def test_kill_after_each_write(
    name: str, operators: Operators, world: World, proxy: FaultProxy
) -> None:
    await survives_a_kill_after_each_write(CHANGES[name], operators, world, proxy)


async def survives_a_kill_after_each_write(
    change: Change, operators: Operators, world: World, proxy: FaultProxy
) -> None:
    want, count = await undisturbed(operators, world, proxy, change)
    assert count > 1
    for kill_at in range(1, count + 1):
        proxy.clear()
        async with operators.running() as operator:
            await prepare(world, NAME, change)
            await idle(operator)
            proxy.clear()
            proxy.stop_after = kill_at
            await world.apply(NAME, change.after)
            await asyncio.wait_for(proxy.stopped.wait(), 20)
            await operator.kill()
        proxy.clear()
        await forget_lease(world)
        async with operators.running():
            await world.until_state(NAME, want)
        await forget_lease(world)
        await world.clean(NAME)


async def test_sigkill_of_the_process(
    operators: Operators, world: World, proxy: FaultProxy, tmp_path: Path
) -> None:
    want, _ = await undisturbed(operators, world, proxy, CHANGES["create"])
    proxy.clear()
    proxy.stop_after = 4
    first = operators.process(tmp_path / "first.log")
    await world.apply(NAME, FULL)
    await asyncio.wait_for(proxy.stopped.wait(), 20)
    first.kill()
    first.wait()
    proxy.clear()
    second = operators.process(tmp_path / "second.log")  # waits for the dead one's Lease to run out
    try:
        await world.until_state(NAME, want)
    finally:
        await asyncio.to_thread(bed.stop, second)  # the proxy that it talks to runs in this loop
    assert second.returncode == 0, (tmp_path / "second.log").read_text()
