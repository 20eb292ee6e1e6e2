"""The children of spec.streaming on a real API server: made, kept, changed, removed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from dspy_operator.children import BATCH_JOB, CLAIM, DEPLOYMENT, NETWORK_POLICY, SERVICE, Kind

from .proxy import FaultProxy
from .running import Operators, Running, forget_lease, idle
from .test_changes import settled
from .world import OLLAMA, Object, World

PLAIN: Object = {"kafka": {"bootstrapServers": "kafka:9092"}, "apps": [{"name": "web"}]}
SPARK: Object = {**PLAIN, "contextJob": {"engine": "Spark"}}
SPEC: Object = {"model": OLLAMA, "streaming": SPARK}
EDITS: dict[tuple[str, str], Object] = {
    ("PersistentVolumeClaim", "checkpoints"): {"metadata": {"labels": {"dspy.dev/component": "edited"}}},
    ("NetworkPolicy", "streams"): {"spec": {"ingress": [{}]}},
    ("NetworkPolicy", "worker"): {"spec": {"egress": [{}]}},
    ("NetworkPolicy", "router"): {"spec": {"ingress": [{}]}},
    ("Service", "router"): {"spec": {"selector": {"dspy.dev/component": "edited"}}},
    ("Job", "topics"): {"spec": {"suspend": True}},
    ("Deployment", "context"): {"spec": {"replicas": 5}},
    ("Deployment", "worker"): {"spec": {"replicas": 5}},
    ("Deployment", "router"): {"spec": {"replicas": 5}},
}
POD: Object = {
    "metadata": {"labels": {"a": "b"}},
    "spec": {"containers": [{"name": "a", "image": "a"}], "restartPolicy": "Never"},
}
DEPLOYED: Object = {
    "selector": {"matchLabels": {"a": "b"}},
    "template": {**POD, "spec": {"containers": [{"name": "a", "image": "a"}]}},
}
NAMESAKES: list[tuple[Kind, str, Object]] = [
    (BATCH_JOB, "one-topics", {"spec": {"template": POD}}),
    (DEPLOYMENT, "one-context", {"spec": DEPLOYED}),
    (SERVICE, "one-router", {"spec": {"ports": [{"port": 80}]}}),
    (NETWORK_POLICY, "one-streams", {"spec": {"podSelector": {}}}),
]


def job(world: World) -> str:
    return f"{BATCH_JOB.path(world.namespace)}/one-topics"


async def uid(world: World, path: str) -> str:
    live = await world.get(path)
    return str(live["metadata"]["uid"]) if live else ""


async def until_anew(world: World, path: str, old: str) -> str:
    async def anew() -> bool:
        return await uid(world, path) not in ("", old)

    await world.until(anew, f"{path} was never made anew")
    return await uid(world, path)


async def until_audited(operator: Running, world: World, times: int = 1) -> None:
    async def audited() -> bool:
        sample = operator.operator.metrics.registry.get_sample_value("dspy_operator_audits_total")
        return (sample or 0) >= times

    await world.until(audited, "no audit")


async def test_ready_and_then_no_write(operators: Operators, world: World, proxy: FaultProxy) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        await world.play_kubelet("one")
        await world.until_condition("one", "TopicsReady", status="True", reason="TopicsMade")
        await world.until_condition("one", "ContextStreamReady", status="True", reason="Running")
        await world.until_condition("one", status="True")
        await idle(operator)
        proxy.clear()
        before = proxy.reads
        await world.apply("one", SPEC, note="touched")

        async def looked() -> bool:
            return proxy.reads > before

        await world.until(looked, "the event was never seen")
        await idle(operator)
        assert proxy.writes == []
    await forget_lease(world)
    async with operators.running() as operator:
        await until_audited(operator, world)
        await idle(operator)
        assert proxy.writes == []


@pytest.mark.timeout(240)
async def test_deleted_and_edited_children_are_repaired(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", SPEC)
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        found = {(ref.kind, ref.name.removeprefix("one-")): ref for ref in await world.children("one")}
        assert set(EDITS) <= set(found)
        for key, edit in EDITS.items():
            await world.admin.edit(found[key].path, edit)
            await world.until_state("one", want)
            await world.remove(found[key].path)
            await world.until_state("one", want)


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


async def test_streams_come_and_go_and_come(operators: Operators, world: World) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": PLAIN})
        await world.until_told("one")
        await idle(operator)
        first = await settled(world)
        await world.apply("one", {})
        await world.until_condition("one", "ContextStreamReady", reason="NotRequested")
        await world.until_gone(job(world))
        await idle(operator)
        left = {ref.name for ref in await world.children("one")}
        assert left == {"one-agent", "one-workspace"}
        await world.apply("one", {"streaming": PLAIN})

        async def back() -> bool:
            return await settled(world) == first

        await world.until(back, "never back to the first state")


async def test_leftovers_of_a_killed_operator_go(
    operators: Operators, world: World, proxy: FaultProxy
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {})
        await world.until_told("one")
        await idle(operator)
        proxy.clear()
        proxy.stop_after = 6
        await world.apply("one", {"streaming": PLAIN})
        await proxy.stopped.wait()
        await operator.kill()
    await world.apply("one", {})
    proxy.clear()
    await forget_lease(world)
    async with operators.running() as operator:
        await world.until_told("one")
        await idle(operator)
        assert {ref.name for ref in await world.children("one")} == {"one-agent", "one-workspace"}


async def test_engines_and_numbers_change(operators: Operators, world: World) -> None:
    context = f"{DEPLOYMENT.path(world.namespace)}/one-context"
    claim = f"{CLAIM.path(world.namespace)}/one-checkpoints"
    async with operators.running() as operator:
        for streaming, command, strategy in (
            (PLAIN, "dspy-agent", "RollingUpdate"),
            (SPARK, "dspy-spark-ctx", "Recreate"),
            (PLAIN, "dspy-agent", "RollingUpdate"),
        ):
            await world.apply("one", {"streaming": streaming})
            await world.until_told("one")
            await idle(operator)
            spec = (await world.admin.get(context))["spec"]
            assert spec["template"]["spec"]["containers"][0]["command"][0] == command
            assert spec["strategy"]["type"] == strategy
            assert await world.exists(claim) == (streaming is SPARK)
        await world.apply("one", {"streaming": {**PLAIN, "contextJob": {"replicas": 3}}})
        await world.until_told("one")
        assert (await world.admin.get(context))["spec"]["replicas"] == 3


class TestTopicJob:
    async def test_it_runs_again_for_other_topics_only(self, operators: Operators, world: World) -> None:
        async with operators.running() as operator:
            await world.apply("one", {"streaming": PLAIN})
            await world.until_there(job(world))
            await idle(operator)
            await world.play_kubelet("one")
            await world.until_condition("one", "TopicsReady", status="True")
            first = await uid(world, job(world))
            await world.apply("one", {"streaming": PLAIN, "agent": {"replicas": 2}})
            await world.until_told("one")
            await world.apply("one", {"streaming": PLAIN, "operatingMode": "Suspended"})
            await world.until_condition("one", "Suspended", status="True")
            await world.apply("one", {"streaming": PLAIN})
            await world.until_condition("one", "TopicsReady", status="True")
            await idle(operator)
            assert await uid(world, job(world)) == first
            await world.apply("one", {"streaming": {**PLAIN, "topicPrefix": "team."}})
            second = await until_anew(world, job(world), first)
            await world.until_condition("one", "TopicsReady", status="False", reason="Progressing")
            more = {**PLAIN, "topicPrefix": "team.", "apps": [{"name": "web"}, {"name": "api"}]}
            await world.apply("one", {"streaming": more})
            await until_anew(world, job(world), second)

    async def test_a_failure_is_told_and_tried_again_later(self, operators: Operators, world: World) -> None:
        async with operators.running() as operator:
            await world.apply("one", {"streaming": PLAIN})
            await world.until_there(job(world))
            await idle(operator)
            first = await uid(world, job(world))
            await world.play_job(job(world), "Failed", "DeadlineExceeded")
            told = await world.until_condition("one", "TopicsReady", reason="DeadlineExceeded")
            assert "As played" in told["message"]
            await idle(operator)
            assert await uid(world, job(world)) == first
            await world.remove(job(world))
            second = await until_anew(world, job(world), first)
            long_ago = datetime.now(UTC) - timedelta(minutes=6)
            await world.play_job(job(world), "Failed", "DeadlineExceeded", long_ago)
            await until_anew(world, job(world), second)
            await world.until_condition("one", "TopicsReady", reason="Progressing")

    async def test_it_waits_while_the_workspace_is_suspended(
        self, operators: Operators, world: World
    ) -> None:
        async with operators.running():
            await world.apply("one", {"streaming": PLAIN, "operatingMode": "Suspended"})
            await world.until_condition("one", "TopicsReady", status="False", reason="Suspended")
            assert (await world.admin.get(job(world)))["spec"]["suspend"] is True
            await world.apply("one", {"streaming": PLAIN})

            async def started() -> bool:
                return not (await world.admin.get(job(world)))["spec"]["suspend"]

            await world.until(started, "the Job never started")

    async def test_an_upgrade_does_not_run_it_again(
        self, operators: Operators, world: World, proxy: FaultProxy
    ) -> None:
        async with operators.running(agent_image="agent:old") as operator:
            await world.apply("one", {"streaming": PLAIN})
            await world.until_told("one")
            await idle(operator)
            first = await uid(world, job(world))
            await operator.stop()
        proxy.clear()
        async with operators.running(agent_image="agent:new") as operator:
            await until_audited(operator, world)
            await idle(operator)
            assert proxy.writes == []
            assert await uid(world, job(world)) == first
