"""What a change of the spec, of the clock or of the operator does to a workspace."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dspy_operator.children import CLAIM, DEPLOYMENT, STATEFUL_SET

from .proxy import FaultProxy
from .running import Operators, idle
from .world import OLLAMA, Object, World

A: Object = {"model": OLLAMA, "agent": {"env": [{"name": "A", "value": "a"}]}}
B: Object = {"model": {"none": {}}, "agent": {"env": [{"name": "A", "value": "b"}], "replicas": 3}}
# The API server accepts this as a workspace, but not the StatefulSet that follows from it.
BAD: Object = {
    "model": OLLAMA,
    "agent": {"resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "1Gi"}}},
}


def agent(world: World) -> str:
    return f"{STATEFUL_SET.path(world.namespace)}/one-agent"


async def replicas(world: World, path: str) -> int:
    return int((await world.admin.get(path))["spec"]["replicas"])


async def settled(world: World) -> Object:
    """The state without what counts generations."""
    state = await world.state("one")
    for item in state.values():
        item["metadata"].get("annotations", {}).pop("dspy.dev/rendered-for", None)
        for condition in (item.get("status") or {}).get("conditions") or []:
            condition.pop("observedGeneration", None)
        (item.get("status") or {}).pop("observedGeneration", None)
    return state


async def test_there_and_back(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", A)
        await world.until_told("one")
        await idle(operator)
        first = await settled(world)
        await world.apply("one", B)
        await world.until_told("one")
        await world.until_gone(f"{DEPLOYMENT.path(world.namespace)}/one-model")
        assert await replicas(world, agent(world)) == 3
        await world.apply("one", A)
        await world.until_told("one")
        await idle(operator)
        assert await settled(world) == first


async def test_bad_and_back(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", A)
        await world.until_told("one")
        await idle(operator)
        first = await settled(world)
        await world.apply("one", BAD)
        told = await world.until_condition("one", status="False", reason="AdmissionRefused")
        assert "StatefulSet" in told["message"]
        await world.apply("one", A)

        async def back() -> bool:
            return await settled(world) == first

        await world.until(back, "never back to the first state")


async def test_scaled_to_nothing_and_back(operators: Operators, world: World) -> None:
    async with operators.running():
        for number in (2, 0, 2):
            await world.apply("one", {"agent": {"replicas": number}})
            await world.until_told("one")
            assert await replicas(world, agent(world)) == number


async def test_suspend_twice_and_resume(operators: Operators, world: World, proxy: FaultProxy) -> None:
    model = f"{DEPLOYMENT.path(world.namespace)}/one-model"
    claim = f"{CLAIM.path(world.namespace)}/one-workspace"
    async with operators.running() as operator:
        await world.apply("one", A)  # suspended while it starts
        await world.apply("one", {**A, "operatingMode": "Suspended"})
        await world.until_condition("one", "Suspended", status="True", reason="OperatingMode")
        await idle(operator)
        assert await replicas(world, agent(world)) == await replicas(world, model) == 0
        volume = (await world.admin.get(claim))["metadata"]["uid"]
        proxy.clear()
        await world.apply("one", {**A, "operatingMode": "Suspended"}, note="again")
        await idle(operator)
        assert proxy.writes == []
        await world.apply("one", A)
        await world.until_condition("one", "Suspended", status="False")
        await idle(operator)
        assert await replicas(world, agent(world)) == await replicas(world, model) == 1
        assert (await world.admin.get(claim))["metadata"]["uid"] == volume


async def test_idle_workspaces_are_suspended_by_the_clock(operators: Operators, world: World) -> None:
    async with operators.running():
        before = (datetime.now(UTC) - timedelta(seconds=57)).isoformat()
        await world.apply("one", {"lifecycle": {"idleTimeoutSeconds": 60}})
        await world.until_told("one")
        assert (await world.condition("one", "Suspended"))["status"] == "False"
        obj = await world.workspace("one")
        assert obj["metadata"]["creationTimestamp"] > before


async def test_shutdown_time_deletes(operators: Operators, world: World) -> None:
    async with operators.running():
        soon = (datetime.now(UTC) + timedelta(seconds=3)).isoformat()
        lifecycle = {"shutdownTime": soon, "shutdownPolicy": "Delete"}
        await world.apply("one", {"lifecycle": lifecycle})
        await world.until_told("one")
        await world.until_gone(world.path("one"))


async def test_storage_grows(operators: Operators, world: World) -> None:
    storage_class = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "grows"},
        "provisioner": "example.com/none",
        "allowVolumeExpansion": True,
    }
    await world.admin.apply("/apis/storage.k8s.io/v1/storageclasses/grows", storage_class, force=True)
    claim = f"{CLAIM.path(world.namespace)}/one-workspace"
    async with operators.running() as operator:
        await world.apply("one", {"storage": {"size": "1Gi", "storageClassName": "grows"}})
        await world.until_told("one")
        await idle(operator)
        await world.play_kubelet("one")
        await world.until_condition("one", "StorageReady", status="True")
        await world.apply("one", {"storage": {"size": "2Gi", "storageClassName": "grows"}})

        async def grown() -> bool:
            live = await world.admin.get(claim)
            return bool(live["spec"]["resources"]["requests"]["storage"] == "2Gi")

        await world.until(grown, "the claim never grew")


async def test_growth_that_the_storage_refuses_is_told(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"storage": {"size": "1Gi"}})
        await world.until_told("one")
        await idle(operator)
        await world.play_kubelet("one")
        await world.until_condition("one", "StorageReady", status="True")
        await world.apply("one", {"storage": {"size": "2Gi"}})
        await world.until_condition("one", status="False", reason="ResizeRefused")


async def test_an_upgrade_restarts_nothing(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running(agent_image="agent:old") as operator:
        await world.apply("one", A)
        await world.until_told("one")
        await idle(operator)
        await operator.stop()
    proxy.clear()
    before = await world.state("one")
    async with operators.running(agent_image="agent:new") as operator:
        audits = operator.operator.metrics.registry.get_sample_value

        async def audited() -> bool:
            return audits("dspy_operator_audits_total") == 1

        await world.until(audited, "no audit")
        await idle(operator)
        assert proxy.writes == []
        assert await world.state("one") == before
        await world.apply("one", {**A, "agent": {"replicas": 2}})

        async def rendered_anew() -> bool:
            live = await world.admin.get(agent(world))
            return bool(live["spec"]["template"]["spec"]["containers"][0]["image"] == "agent:new")

        await world.until(rendered_anew, "a change of the spec did not bring the new image")


async def test_training_jobs_are_told_the_truth(operators: Operators, world: World) -> None:
    async with operators.running():
        await world.job("train", {"workspaceRef": {"name": "one"}, "algorithm": {"bandit": {"steps": 10}}})

        async def told() -> bool:
            live = await world.admin.get(
                f"/apis/dspy.dev/v1alpha1/namespaces/{world.namespace}/rltrainingjobs/train"
            )
            conditions = (live.get("status") or {}).get("conditions") or []
            return any(c["reason"] == "NotReconciled" and c["status"] == "False" for c in conditions)

        await world.until(told, "the job was never told")
