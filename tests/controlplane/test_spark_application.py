"""The context job by Spark, with Kubeflow's API absent, installed and removed."""

from __future__ import annotations

from dspy_operator.children import DEPLOYMENT, SPARK_APPLICATION

from .conftest import ThirdParty
from .proxy import FaultProxy
from .running import Operators, forget_lease, idle
from .test_streams import PLAIN, until_audited
from .world import Object, World

SPARK: Object = {
    **PLAIN,
    "contextJob": {"engine": "Spark", "checkpointStorage": {"accessModes": ["ReadWriteMany"]}},
}
NEVER: Object = {**SPARK, "contextJob": {**SPARK["contextJob"], "sparkApplication": "Never"}}


def application(world: World) -> str:
    return f"{SPARK_APPLICATION.path(world.namespace)}/one-context"


def pod(world: World) -> str:
    return f"{DEPLOYMENT.path(world.namespace)}/one-context"


async def test_absent_then_installed_then_removed(
    operators: Operators, world: World, third_party: ThirdParty
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": SPARK})
        await world.until_there(pod(world))
        await world.play_kubelet("one")
        await world.until_condition("one", "ContextStreamReady", status="True")
        await third_party.install(SPARK_APPLICATION)
        await world.until_there(application(world))
        await world.until_gone(pod(world))
        await idle(operator)
        await world.until_condition("one", "ContextStreamReady", status="False")
        live = await world.admin.get(application(world))
        await world.set_status(application(world), live, {"applicationState": {"state": "RUNNING"}})
        await world.until_condition("one", "ContextStreamReady", status="True")
        await third_party.remove(SPARK_APPLICATION)
        await world.until_there(pod(world))


async def test_auto_never_and_light(operators: Operators, world: World, third_party: ThirdParty) -> None:
    await third_party.install(SPARK_APPLICATION)
    async with operators.running() as operator:
        for streaming, there in ((SPARK, True), (NEVER, False), (SPARK, True), (PLAIN, False)):
            await world.apply("one", {"streaming": streaming})
            await world.until_told("one")
            await idle(operator)
            assert await world.exists(application(world)) == there
            assert await world.exists(pod(world)) != there


async def test_kept_repaired_suspended(
    operators: Operators, world: World, third_party: ThirdParty, proxy: FaultProxy
) -> None:
    await third_party.install(SPARK_APPLICATION)
    async with operators.running() as operator:
        await world.apply("one", {"streaming": SPARK})
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        await world.admin.edit(application(world), {"spec": {"executor": {"instances": 9}}})
        await world.until_state("one", want)
        await world.remove(application(world))
        await world.until_state("one", want)
        await world.play_kubelet("one")
        await world.until_condition("one", status="True")
        await idle(operator)
    await forget_lease(world)
    proxy.clear()
    async with operators.running() as operator:
        await until_audited(operator, world)
        await idle(operator)
        assert proxy.writes == []
        live = await world.admin.get(application(world))
        failed = {"applicationState": {"state": "FAILED", "errorMessage": "driver failed"}}
        await world.set_status(application(world), live, failed)
        told = await world.until_condition("one", "ContextStreamReady", reason="SparkApplicationFailed")
        assert "driver failed" in told["message"]
        await world.apply("one", {"streaming": SPARK, "operatingMode": "Suspended"})
        await world.until_gone(application(world))
