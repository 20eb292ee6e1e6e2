"""Lost, late, repeated and reordered events change nothing in the end."""

from __future__ import annotations

import asyncio

from .proxy import FaultProxy
from .running import Operators, idle
from .world import OLLAMA, Object, World

SPEC: Object = {"model": OLLAMA}
CHANGED: Object = {"model": OLLAMA, "agent": {"env": [{"name": "A", "value": "2"}]}}


def lose(path: str, line: bytes) -> list[bytes]:
    return [] if b'"BOOKMARK"' not in line else [line]


def deployment(world: World) -> str:
    return f"/apis/apps/v1/namespaces/{world.namespace}/deployments/one-model"


async def test_every_event_missed(operators: Operators, world: World, proxy: FaultProxy) -> None:
    proxy.edit_event = lose
    async with operators.running(resync_seconds=2.0) as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        await world.remove(deployment(world))
        await world.until_state("one", want)
        await world.apply("one", CHANGED)
        await world.until_told("one")


async def test_silent_watch(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        proxy.silent = True
        watches = len(proxy.watch_paths)
        await world.remove(deployment(world))

        async def taken_up_again() -> bool:
            new = proxy.watch_paths[watches:]
            return sum("deployments" in path for path in new) > 0

        await world.until(taken_up_again, "the silent watch was not noticed")
        proxy.silent = False
        await world.until_state("one", want)


async def test_gone_with_a_deletion_in_the_gap(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        proxy.edit_event = lose
        await world.remove(deployment(world))
        proxy.end_watches_with_gone()
        proxy.edit_event = None
        await world.until_state("one", want)


async def test_duplicates_and_reordering(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await world.apply("one", CHANGED)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
    await world.clean("one")

    held: dict[str, bytes] = {}

    def shuffle(path: str, line: bytes) -> list[bytes]:
        """Send every event twice, and after the event that followed it."""
        earlier = held.pop(path, None)
        if earlier is None:
            held[path] = line
            return [line]
        return [line, earlier, line]

    async with operators.running() as operator:
        proxy.edit_event = shuffle
        await world.apply("one", SPEC)
        await world.until_told("one")
        await world.apply("one", CHANGED)
        await world.until_state("one", want)
        await idle(operator)
        assert await world.state("one") == want


async def test_a_burst_of_edits_ends_with_the_last(
    operators: Operators, world: World, proxy: FaultProxy
) -> None:
    async with operators.running():
        for number in range(20):
            await world.apply("one", {"agent": {"env": [{"name": "A", "value": str(number)}]}})
            await asyncio.sleep(0)
        await world.until_told("one")
        path = f"/apis/apps/v1/namespaces/{world.namespace}/statefulsets/one-agent"
        stateful_set = await world.admin.get(path)
        environment = stateful_set["spec"]["template"]["spec"]["containers"][0].get("env", [])
        assert {"name": "A", "value": "19"} in environment
