"""The children of spec.vectorStore on a real API server, and VectorStoreReady from what their pod says."""

from __future__ import annotations

import pytest

from dspy_agent_core.contracts.cluster import Termination
from dspy_operator.children import DEPLOYMENT, NETWORK_POLICY, Ref
from dspy_operator.kube.kinds import POD

from .proxy import FaultProxy
from .running import Operators, idle
from .test_changes import settled
from .world import Object, World

A: Object = {"vectorStore": {"milvus": {"uri": "http://milvus:19530"}}}
B: Object = {"vectorStore": {"milvus": {"uri": "https://other.example.com", "secretRef": {"name": "login"}}}}
LITE: Object = {"vectorStore": {"milvusLite": {}}}
EDITS: dict[str, Object] = {
    "NetworkPolicy": {"spec": {"egress": [{}]}},
    "Deployment": {"spec": {"replicas": 5}},
}
OWN = {"one-agent", "one-workspace"}


def watch(world: World) -> str:
    return f"{DEPLOYMENT.path(world.namespace)}/one-vectors"


async def play_pod(world: World, name: str) -> None:
    """A pod of the watch that runs and is not ready."""
    template = (await world.admin.get(watch(world)))["spec"]["template"]
    path = f"{POD.path(world.namespace)}/{name}"
    body = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": template["metadata"]["labels"]},
        "spec": template["spec"],
    }
    live = await world.admin.apply(path, body, force=True)
    state: Object = {"name": "vectors", "ready": False, "restartCount": 0, "image": "a", "imageID": ""}
    running = {"state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
    status = {"phase": "Running", "containerStatuses": [state | running]}
    await world.admin.apply(
        f"{path}/status",
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": live["metadata"]["name"]}, "status": status},
        force=True,
    )


async def play(world: World, *, ready: bool) -> None:
    """Make all children look ready, and the watch so or not."""
    await world.play_kubelet("one")
    if not ready:
        item = await world.admin.get(watch(world))
        await world.set_status(
            watch(world),
            item,
            {"observedGeneration": item["metadata"]["generation"], "replicas": 1, "updatedReplicas": 1},
        )


async def test_it_comes_and_goes_as_the_store_does(
    operators: Operators, world: World, proxy: FaultProxy
) -> None:
    async with operators.running() as operator:
        await world.apply("one", A)
        await world.until_condition("one", "VectorStoreReady", status="False", reason="Progressing")
        await idle(operator)
        away = Termination("VectorStoreUnreachable", "http://milvus:19530 can't be reached.")
        proxy.logs["one-vectors-x"] = away.dumps() + "\n"
        await play_pod(world, "one-vectors-x")
        await play(world, ready=False)
        told = await world.until_condition("one", "VectorStoreReady", reason=away.reason)
        assert told["message"] == away.message
        await world.until_condition("one", status="False", reason=away.reason)
        await world.until_condition("one", "AgentReady", status="True")

        proxy.logs["one-vectors-x"] = Termination("SecretNotFound", "No Secret.").dumps() + "\n"
        await world.until_condition("one", "VectorStoreReady", reason="SecretNotFound")

        await play(world, ready=True)
        await world.until_condition("one", "VectorStoreReady", status="True", reason="Connected")
        await world.until_condition("one", status="True")
        await idle(operator)
        proxy.clear()
        before = proxy.reads
        await world.apply("one", A, note="touched")

        async def looked() -> bool:
            return proxy.reads > before

        await world.until(looked, "the event was never seen")
        await idle(operator)
        assert proxy.writes == []

        await play(world, ready=False)
        await world.until_condition("one", "VectorStoreReady", status="False", reason="SecretNotFound")
        await world.until_condition("one", "AgentReady", status="True")


@pytest.mark.parametrize("without", [{}, LITE], ids=["none", "lite"])
async def test_there_and_back(operators: Operators, world: World, without: Object) -> None:
    async with operators.running() as operator:
        await world.apply("one", A)
        await world.until_told("one")
        await idle(operator)
        first = await settled(world)
        await world.apply("one", B)
        await world.until_told("one")
        await idle(operator)
        spec = (await world.admin.get(watch(world)))["spec"]["template"]["spec"]
        assert [volume["name"] for volume in spec["volumes"]] == ["tmp", "vector-secret"]

        await world.apply("one", without)
        reason = "Local" if without else "NotRequested"
        await world.until_condition("one", "VectorStoreReady", status="True", reason=reason)
        await world.until_gone(watch(world))
        await world.until_gone(f"{NETWORK_POLICY.path(world.namespace)}/one-vectors")
        await idle(operator)
        assert {ref.name for ref in await world.children("one")} == OWN

        await world.apply("one", A)

        async def back() -> bool:
            return await settled(world) == first

        await world.until(back, "never back to the first state")


async def test_suspended_and_resumed(operators: Operators, world: World) -> None:
    async with operators.running():
        await world.apply("one", {**A, "operatingMode": "Suspended"})
        await world.until_condition("one", "VectorStoreReady", status="False", reason="Suspended")
        assert (await world.admin.get(watch(world)))["spec"]["replicas"] == 0
        await world.apply("one", A)
        await world.until_condition("one", "VectorStoreReady", status="False", reason="Progressing")
        assert (await world.admin.get(watch(world)))["spec"]["replicas"] == 1


async def test_deleted_and_edited_children_are_repaired(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", B)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        found: list[Ref] = [ref for ref in await world.children("one") if ref.name == "one-vectors"]
        assert {ref.kind for ref in found} == set(EDITS)
        for ref in found:
            await world.admin.edit(ref.path, EDITS[ref.kind])
            await world.until_state("one", want)
            await world.remove(ref.path)
            await world.until_state("one", want)


async def test_a_foreign_namesake_is_refused(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        path = f"{NETWORK_POLICY.path(world.namespace)}/one-vectors"
        body = {
            "apiVersion": NETWORK_POLICY.api_version,
            "kind": NETWORK_POLICY.kind,
            "metadata": {"name": "one-vectors"},
            "spec": {"podSelector": {}},
        }
        theirs = await world.admin.apply(path, body, force=True)
        proxy.clear()
        await world.apply("one", A)
        told = await world.until_condition("one", "VectorStoreReady", status="False", reason="ChildNotOwned")
        assert "one-vectors" in told["message"]
        await idle(operator)
        after = await world.admin.get(path)
        assert after["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
        await world.remove(path)
        await world.until_there(watch(world))
        await world.until_condition("one", "VectorStoreReady", reason="Progressing")
