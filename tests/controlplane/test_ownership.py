"""Only what is ours is written; what becomes of children when their parent goes."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from dspy_operator.children import (
    CLAIM,
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    SERVICE,
    SERVICE_ACCOUNT,
    STATEFUL_SET,
    Kind,
)
from dspy_operator.kube.errors import NotFound

from .proxy import FaultProxy
from .running import Operators, forget_lease, idle
from .world import OLLAMA, Object, World

SPEC: Object = {"model": OLLAMA}
POD: Object = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "a", "image": "a"}]},
}
SELECTOR: Object = {"matchLabels": {"a": "b"}}
NAMESAKES: list[tuple[Kind, str, Object]] = [
    (SERVICE_ACCOUNT, "one-agent", {}),
    (
        CLAIM,
        "one-workspace",
        {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}},
    ),
    (CONFIG_MAP, "one-agent", {"data": {"theirs": "yes"}}),
    (SERVICE, "one-model", {"spec": {"ports": [{"port": 80}]}}),
    (NETWORK_POLICY, "one-agent", {"spec": {"podSelector": {}}}),
    (STATEFUL_SET, "one-agent", {"spec": {"serviceName": "a", "selector": SELECTOR, "template": POD}}),
    (DEPLOYMENT, "one-model", {"spec": {"selector": SELECTOR, "template": POD}}),
]


@pytest.mark.timeout(240)
async def test_foreign_namesakes_are_refused(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        for kind, name, fields in NAMESAKES:
            path = f"{kind.path(world.namespace)}/{name}"
            body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **fields}
            theirs = await world.admin.apply(path, body, force=True)
            proxy.clear()
            await world.apply("one", SPEC)
            told = await world.until_condition("one", status="False", reason="ChildNotOwned")
            assert kind.kind in told["message"]
            assert name in told["message"]
            await idle(operator)
            after = await world.admin.get(path)
            assert after["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
            assert not [write for write in proxy.writes if write.path == path]
            await world.clean("one")


async def test_a_foreign_namesake_that_goes_is_noticed(operators: Operators, world: World) -> None:
    kind, name, fields = NAMESAKES[2]
    path = f"{kind.path(world.namespace)}/{name}"
    body = {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": {"name": name}, **fields}
    await world.admin.apply(path, body, force=True)
    async with operators.running():
        await world.apply("one", SPEC)
        await world.until_condition("one", reason="ChildNotOwned")
        await world.remove(path)

        async def ours() -> bool:
            live = await world.get(path)
            return live is not None and bool(live["metadata"].get("ownerReferences"))

        await world.until(ours, "the child was never made")


@pytest.mark.usefixtures("controllers")
async def test_a_namesake_in_deletion_is_waited_for(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        path = f"{SERVICE.path(world.namespace)}/one-model"
        old = await world.admin.edit(path, {"metadata": {"finalizers": ["example.com/held"]}})
        await world.remove(path)
        await world.delete("one")
        await world.until_gone(world.path("one"))
        await world.apply("one", SPEC)

        async def told() -> bool:
            conditions = ((await world.workspace("one")).get("status") or {}).get("conditions") or []
            return any(c["reason"] == "ChildTerminating" and "one-model" in c["message"] for c in conditions)

        await world.until(told, "the Service in deletion was never named")
        await world.admin.edit(path, {"metadata": {"finalizers": None}})

        async def anew() -> bool:
            live = await world.get(path)
            return live is not None and live["metadata"]["uid"] != old["metadata"]["uid"]

        await world.until(anew, "the Service was never made anew")


@pytest.mark.usefixtures("controllers")
async def test_deletion_leaves_nothing(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        await world.delete("one")

        async def nothing_left() -> bool:
            return not await world.children("one")

        await world.until(nothing_left, "children were left")
        await idle(operator)
        assert not await world.children("one")


@pytest.mark.usefixtures("controllers")
@pytest.mark.parametrize("down", [False, True], ids=["while creating", "while the operator is down"])
async def test_parent_deleted_while_creating(
    down: bool, operators: Operators, world: World, proxy: FaultProxy
) -> None:
    proxy.stop_after = 4
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await asyncio.wait_for(proxy.stopped.wait(), 30)
        await world.delete("one")
        if down:
            await operator.kill()
            await forget_lease(world)
        proxy.clear()
        async with operators.running() if down else contextlib.nullcontext(operator) as current:

            async def nothing_left() -> bool:
                return not await world.children("one")

            await world.until(nothing_left, "children were left")
            await idle(current)
            assert not await world.children("one")


@pytest.mark.usefixtures("controllers")
async def test_retained_volume_is_taken_up_again(operators: Operators, world: World) -> None:
    claim = f"{CLAIM.path(world.namespace)}/one-workspace"
    async with operators.running() as operator:
        spec = {**SPEC, "storage": {"retainPolicy": "Retain"}}
        await world.apply("one", spec)
        await world.until_told("one")
        await idle(operator)
        kept = await world.admin.get(claim)
        await world.delete("one")

        async def only_claims() -> bool:
            return {ref.kind for ref in await world.children("one")} == {CLAIM.kind}

        await world.until(only_claims, "not just the claims are left")
        await world.apply("one", spec)
        await world.until_told("one")
        await idle(operator)
        assert (await world.admin.get(claim))["metadata"]["uid"] == kept["metadata"]["uid"]
        assert (await world.condition("one"))["reason"] != "ChildNotOwned"


@pytest.mark.usefixtures("controllers")
async def test_namespace_deletion(operators: Operators, world: World, proxy: FaultProxy) -> None:
    path = f"/api/v1/namespaces/{world.namespace}"
    async with operators.running() as operator:
        for number in range(5):
            await world.apply(f"w{number}", SPEC)
        await world.until_told("w4")
        live = await world.admin.get(path)
        await world.admin.delete(path, uid=live["metadata"]["uid"])

        async def gone() -> bool:
            try:
                await world.admin.get(path)
            except NotFound:
                return True
            return False

        await world.until(gone, "the namespace never went")
        await idle(operator)
        proxy.clear()
        await idle(operator)
        assert proxy.writes == []
