"""Children that were deleted or edited come back; what is as it should be is not written."""

from __future__ import annotations

import pytest

from .proxy import FaultProxy
from .running import Operators, forget_lease, idle
from .world import OLLAMA, Object, World

SPEC: Object = {"model": OLLAMA}
EDITS: dict[str, Object] = {
    "ServiceAccount": {"automountServiceAccountToken": True},
    "PersistentVolumeClaim": {"metadata": {"labels": {"dspy.dev/component": "edited"}}},
    "ConfigMap": {"data": {"DSPY_AGENT_WORKSPACE": "edited"}},
    "Service": {"spec": {"selector": {"dspy.dev/component": "edited"}}},
    "NetworkPolicy": {"spec": {"ingress": [{}]}},
    "StatefulSet": {"spec": {"replicas": 5}},
    "Deployment": {"spec": {"replicas": 5}},
}


async def test_settled_workspaces_cost_no_write(
    operators: Operators, world: World, proxy: FaultProxy
) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await world.play_kubelet("one")
        await world.until_condition("one", "AgentReady", status="True")
        await idle(operator)
        proxy.clear()
        before = proxy.reads
        await world.apply("one", SPEC, note="touched")  # an event, but nothing to do

        async def looked() -> bool:
            return proxy.reads > before

        await world.until(looked, "the event was never seen")
        await idle(operator)
        assert proxy.writes == []
    await forget_lease(world)
    async with operators.running() as operator:

        async def audited() -> bool:
            return operator.operator.metrics.registry.get_sample_value("dspy_operator_audits_total") == 1

        await world.until(audited, "no audit")
        await idle(operator)
        assert proxy.writes == []


async def test_own_writes_cause_no_second_look(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("zero", SPEC)
        await world.until_told("zero")
        await idle(operator)
        reconciles = operator.operator.metrics.registry.get_sample_value
        labels = {"kind": "agentworkspaces", "result": "success"}
        before = reconciles("dspy_operator_reconciles_total", labels) or 0
        await world.apply("one", {**SPEC, "operatingMode": "Suspended"})
        await world.until_condition("one", "Suspended", status="True")
        await idle(operator)
        # A control that the events of those writes have passed: a later event of the same watches did.
        await world.admin.edit(world.path("one") + "", {"metadata": {"annotations": {"a": "b"}}})
        await world.remove(f"/apis/apps/v1/namespaces/{world.namespace}/deployments/one-model")
        await world.until_there(f"/apis/apps/v1/namespaces/{world.namespace}/deployments/one-model")
        await idle(operator)
        after = reconciles("dspy_operator_reconciles_total", labels) or 0
        polls = 2  # of the other workspace, which is not ready
        assert after - before <= 3 + polls


@pytest.mark.timeout(240)
async def test_deleted_children_come_back(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        children = await world.children("one")
        assert {ref.kind for ref in children} == set(EDITS)
        for ref in children:
            await world.remove(ref.path)
            await world.until_state("one", want)


@pytest.mark.timeout(240)
async def test_edited_children_are_repaired(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        for ref in await world.children("one"):
            await world.admin.edit(ref.path, EDITS[ref.kind])
            await world.until_state("one", want)


async def test_a_child_stripped_of_its_labels_is_repaired(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        path = f"/api/v1/namespaces/{world.namespace}/configmaps/one-agent"
        await world.admin.edit(path, {"metadata": {"labels": None}})
        await world.until_state("one", want)
