"""Several operator processes, signals, and CRDs that come and go."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from . import bed
from .conftest import install_crds
from .proxy import FaultProxy
from .running import Operators, idle, lease_path
from .world import OLLAMA, Object, World

SPEC: Object = {"model": OLLAMA}


@contextlib.asynccontextmanager
async def process(
    operators: Operators, log: Path, **environment: str
) -> AsyncIterator[subprocess.Popen[bytes]]:
    started = operators.process(log, **environment)
    try:
        yield started
    finally:
        await asyncio.to_thread(bed.stop, started, 20.0)


def records(log: Path) -> list[dict[str, Any]]:
    """The log, each line of which must be JSON."""
    return [json.loads(line) for line in log.read_text().splitlines()]


async def holder(world: World) -> str:
    lease = await world.get(lease_path(world.namespace))
    return str((lease or {}).get("spec", {}).get("holderIdentity") or "")


async def until_led(world: World, other_than: str = "") -> str:
    async def led() -> bool:
        return await holder(world) not in ("", other_than)

    await world.until(led, "nobody leads")
    return await holder(world)


@pytest.mark.timeout(240)
async def test_two_operators_act_as_one(
    operators: Operators, world: World, proxy: FaultProxy, tmp_path: Path
) -> None:
    logs = [tmp_path / "one.log", tmp_path / "two.log"]
    async with process(operators, logs[0]) as first:
        leader = await until_led(world)
        async with process(operators, logs[1]) as second:
            await world.apply("one", SPEC)
            await world.until_told("one")
            want = await world.state("one")
            children = len(await world.children("one"))
            created = [write for write in proxy.writes if write.status == 201]
            assert len(created) == children
            first.kill()
            first.wait()
            await until_led(world, other_than=leader)
            path = f"/apis/apps/v1/namespaces/{world.namespace}/deployments/one-model"
            await world.remove(path)
            await world.until_state("one", want)
            assert second.poll() is None


async def test_who_lost_the_lease_ends(operators: Operators, world: World, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with process(operators, log) as operator:
        await until_led(world)
        await world.admin.edit(lease_path(world.namespace), {"spec": {"holderIdentity": "somebody-else"}})

        async def ended() -> bool:
            return operator.poll() is not None

        await world.until(ended, "it went on")
        assert operator.returncode == 3
        assert "somebody-else" in records(log)[-1]["message"]


async def test_sigterm_in_a_burst(operators: Operators, world: World, tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with process(operators, log) as operator:
        await until_led(world)
        for number in range(12):
            await world.apply(f"w{number:02}", SPEC)

        async def begun() -> bool:
            return bool(await world.children("w00"))

        await world.until(begun, "nothing was made")
        operator.terminate()
        assert await asyncio.to_thread(operator.wait, 30) == 0
        assert await holder(world) == ""
        assert not [record for record in records(log) if record["level"] in ("error", "critical")]
    async with operators.running() as successor:
        for number in range(12):
            await world.until_told(f"w{number:02}")
        await idle(successor)
        counts = {len(await world.children(f"w{number:02}")) for number in range(12)}
        assert len(counts) == 1


async def test_endpoints(operators: Operators, world: World, tmp_path: Path) -> None:
    port = bed.free_port()
    async with process(operators, tmp_path / "log", DSPY_OPERATOR_HTTP_PORT=str(port)):
        await until_led(world)
        await world.apply("one", SPEC)
        await world.until_told("one")
        async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
            for path in ("/healthz", "/readyz"):
                async with session.get(path) as answer:
                    assert (answer.status, await answer.text()) == (200, "ok")
            async with session.get("/metrics") as answer:
                text = await answer.text()
    assert "dspy_operator_leader 1.0" in text
    assert 'dspy_operator_reconciles_total{kind="agentworkspaces",result="success"}' in text
    assert 'condition="Ready",kind="agentworkspaces",status="False"} 1.0' in text
    assert bed.OPERATOR_TOKEN not in (tmp_path / "log").read_text()


@pytest.mark.timeout(240)
async def test_crds_come_and_go(operators: Operators, world: World, tmp_path: Path) -> None:
    await remove_crds(world)
    log = tmp_path / "log"
    async with crds_restored(world), process(operators, log) as operator:

        async def waits() -> bool:
            return any("CRDs" in record["message"] for record in records(log))

        await world.until(waits, "no word about the missing CRDs")
        await install_crds(world.admin)
        await _made(world, "one")
        words = len(records(log))
        await remove_crds(world)

        async def noticed() -> bool:
            return any("CRDs" in record["message"] for record in records(log)[words:])

        await world.until(noticed, "the removal was not noticed")
        await install_crds(world.admin)
        await _made(world, "two")
        assert operator.poll() is None


@contextlib.asynccontextmanager
async def crds_restored(world: World) -> AsyncIterator[None]:
    """Leave the CRDs to the tests that follow."""
    try:
        yield
    finally:
        await install_crds(world.admin)


async def _made(world: World, name: str) -> None:
    async def applied() -> bool:
        try:
            await world.apply(name, SPEC)
        except Exception:
            return False
        return True

    await world.until(applied, "the API server does not serve the CRD yet")
    await world.until_told(name)


async def remove_crds(world: World) -> None:
    for plural in ("agentworkspaces", "rltrainingjobs"):
        path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{plural}.dspy.dev"
        await world.remove(path)
        await world.until_gone(path)
