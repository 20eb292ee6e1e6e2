"""KafkaTopics, with Strimzi absent, installed and removed, and its Topic Operator played."""

from __future__ import annotations

import pytest

from dspy_operator.children import BATCH_JOB, KAFKA_TOPIC
from dspy_operator.kube.errors import Invalid

from .conftest import ThirdParty
from .proxy import FaultProxy
from .running import Operators, forget_lease, idle
from .test_changes import settled
from .test_kills import Change, survives_a_kill_after_each_write
from .test_streams import PLAIN, until_audited
from .world import Object, World

STRIMZI: Object = {"kafka": {"strimzi": {"cluster": "main"}}, "apps": [{"name": "web"}]}
OWNED: Object = {**STRIMZI, "topicRetainPolicy": "Delete"}
TWO: Object = {**STRIMZI, "apps": [{"name": "web"}, {"name": "api"}]}


def path(world: World, name: str = "one-logs.raw.web") -> str:
    return f"{KAFKA_TOPIC.path(world.namespace)}/{name}"


async def topics(world: World) -> dict[str, Object]:
    return {ref.name: item for ref, item in (await world.children("one")).items() if "Topic" in ref.kind}


@pytest.fixture
async def strimzi(third_party: ThirdParty, world: World) -> ThirdParty:
    await third_party.install(KAFKA_TOPIC)
    return third_party


async def test_absent_then_installed_then_removed_then_back(
    operators: Operators, world: World, third_party: ThirdParty
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": STRIMZI})
        told = await world.until_condition("one", "TopicsReady", reason="StrimziNotInstalled")
        assert "KafkaTopic" in told["message"]
        await world.play_kubelet("one")
        await world.until_condition("one", "ContextStreamReady", status="True")
        await world.until_condition("one", status="False", reason="StrimziNotInstalled")
        for _ in range(2):
            await third_party.install(KAFKA_TOPIC)
            await world.until_there(path(world))
            await idle(operator)
            await world.play_kubelet("one")
            # An answer is seen at once: the watch of the new kind is there.
            await world.until_condition("one", "TopicsReady", status="True", reason="TopicsReady")
            await world.until_condition("one", status="True")
            await third_party.remove(KAFKA_TOPIC)
            await world.until_condition("one", "TopicsReady", reason="StrimziNotInstalled")
        assert not operator.operator.health.problems()


async def test_settled_topics_cost_no_write(
    operators: Operators, world: World, proxy: FaultProxy, strimzi: ThirdParty
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": TWO})
        await world.until_told("one")
        await idle(operator)
        await world.play_kubelet("one")
        await world.until_condition("one", status="True")
        await idle(operator)
        proxy.clear()
        before = proxy.reads
        await world.apply("one", {"streaming": TWO}, note="touched")

        async def looked() -> bool:
            return proxy.reads > before

        await world.until(looked, "the event was never seen")
        await idle(operator)
        assert proxy.writes == []
        assert proxy.reads - before < 30  # topics are listed, not read one by one
    await forget_lease(world)
    async with operators.running() as operator:
        await until_audited(operator, world)
        await idle(operator)
        assert proxy.writes == []


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "change",
    [
        Change({}, {"streaming": STRIMZI}),
        Change({"streaming": {**TWO, "topicRetainPolicy": "Delete"}}, {"streaming": STRIMZI}),
    ],
    ids=["stream", "give up what goes and what stays"],
)
async def test_kill_after_each_write(
    operators: Operators, world: World, proxy: FaultProxy, strimzi: ThirdParty, change: Change
) -> None:
    await survives_a_kill_after_each_write(change, operators, world, proxy)


@pytest.mark.parametrize("streaming", [STRIMZI, OWNED], ids=["retained", "owned"])
async def test_deleted_and_edited_topics_are_repaired(
    operators: Operators, world: World, strimzi: ThirdParty, streaming: Object
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": streaming})
        await world.until_told("one")
        await idle(operator)
        want = await world.state("one")
        for edit in (
            {"spec": {"partitions": 7}},
            {"spec": {"config": {"message.timestamp.type": "CreateTime"}}},
            {"metadata": {"labels": {"strimzi.io/cluster": "other"}}},
        ):
            await world.admin.edit(path(world), edit)
            await world.until_state("one", want)
        await world.remove(path(world))
        await world.until_state("one", want)


async def test_what_the_topic_operator_says_is_told(
    operators: Operators, world: World, strimzi: ThirdParty
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": STRIMZI})
        await world.until_told("one")
        await idle(operator)
        told = await world.until_condition("one", "TopicsReady", reason="Progressing")
        assert told["message"].startswith("0 of 10 topics")
        await world.play_kubelet("one")
        await world.until_condition("one", "TopicsReady", status="True")
        grown = {**STRIMZI, "apps": [{"name": "web", "partitions": 2}]}
        await world.apply("one", {"streaming": grown})
        # Its answer to the topic as it was before says nothing of the topic as it is now.
        told = await world.until_condition("one", "TopicsReady", reason="Progressing")
        assert told["message"].startswith("7 of 10 topics")
        await world.play_topic(path(world), "KafkaError", "Too many partitions.")
        told = await world.until_condition("one", "TopicsReady", reason="KafkaError")
        assert 'KafkaTopic "one-logs.raw.web": Too many partitions.' in told["message"]
        await world.play_kubelet("one")
        await world.until_condition("one", "TopicsReady", status="True")


async def test_partitions_only_grow_and_replicas_stay(world: World) -> None:
    def spec(**app: int) -> Object:
        return {"streaming": {**STRIMZI, "apps": [{"name": "web", **app}]}}

    await world.apply("one", spec(partitions=2, replicas=2))
    await world.apply("one", spec(partitions=3, replicas=2))
    for app, words in (
        ({"partitions": 2, "replicas": 2}, "may only grow: Kafka can't take partitions away"),
        ({"partitions": 3, "replicas": 3}, "can't be changed: Kafka moves replicas"),
        ({"replicas": 2}, "may only grow"),
    ):
        with pytest.raises(Invalid, match=words):
            await world.apply("one", spec(**app))
    other = {"streaming": {**STRIMZI, "apps": [{"name": "other"}]}}
    await world.apply("one", other)


async def test_topics_are_deleted_only_where_the_cluster_runs_them(world: World) -> None:
    with pytest.raises(Invalid, match=r"topicRetainPolicy Delete needs kafka\.strimzi"):
        await world.apply("one", {"streaming": {**PLAIN, "topicRetainPolicy": "Delete"}})


class TestRetainPolicy:
    async def test_an_app_that_goes(self, operators: Operators, world: World, strimzi: ThirdParty) -> None:
        async with operators.running() as operator:
            for policy, left in (("Retain", True), ("Delete", False)):
                spec = {**TWO, "topicRetainPolicy": policy}
                await world.apply("one", {"streaming": spec})
                await world.until_there(path(world, "one-logs.raw.api"))
                await world.until_told("one")
                await world.apply("one", {"streaming": {**spec, "apps": [{"name": "web"}]}})
                await world.until_told("one")
                await idle(operator)
                assert await world.exists(path(world, "one-logs.raw.api")) == left
            assert await world.exists(path(world))

    async def test_a_topic_that_was_left_is_not_deleted_later(
        self, operators: Operators, world: World, strimzi: ThirdParty
    ) -> None:
        async with operators.running() as operator:
            await world.apply("one", {"streaming": TWO})
            await world.until_there(path(world, "one-logs.raw.api"))
            await world.apply("one", {"streaming": STRIMZI})
            await world.apply("one", {"streaming": OWNED})
            await world.until_told("one")
            await idle(operator)
            live = await world.admin.get(path(world))
            assert live["metadata"]["ownerReferences"]
            left = await world.admin.get(path(world, "one-logs.raw.api"))
            assert "ownerReferences" not in left["metadata"]

    async def test_a_topic_is_given_up_before_its_app_goes(
        self, operators: Operators, world: World, strimzi: ThirdParty
    ) -> None:
        async with operators.running() as operator:
            await world.apply("one", {"streaming": {**TWO, "topicRetainPolicy": "Delete"}})
            await world.until_there(path(world, "one-logs.raw.api"))
            await world.until_told("one")
            before = await world.admin.get(path(world, "one-logs.raw.api"))
            await world.apply("one", {"streaming": STRIMZI})
            await world.until_told("one")
            await idle(operator)
            after = await world.admin.get(path(world, "one-logs.raw.api"))
            assert "ownerReferences" not in after["metadata"]
            assert after["spec"] == before["spec"]
            assert after["metadata"]["labels"]["strimzi.io/cluster"] == "main"
            await world.apply("one", {"streaming": TWO})
            await world.until_told("one")
            assert (await world.condition("one", "TopicsReady"))["reason"] != "ChildNotOwned"

    @pytest.mark.usefixtures("controllers")
    async def test_they_outlive_the_workspace_and_are_taken_up_again(
        self, operators: Operators, world: World, strimzi: ThirdParty
    ) -> None:
        async with operators.running() as operator:
            await world.apply("one", {"streaming": STRIMZI})
            await world.until_told("one")
            await idle(operator)
            kept = {name: item["metadata"]["uid"] for name, item in (await topics(world)).items()}
            await world.delete("one")

            async def only_topics() -> bool:
                return {ref.kind for ref in await world.children("one")} == {KAFKA_TOPIC.kind}

            await world.until(only_topics, "not just the topics are left")
            await world.apply("one", {"streaming": STRIMZI})
            await world.until_told("one")
            await idle(operator)
            assert {n: item["metadata"]["uid"] for n, item in (await topics(world)).items()} == kept
            assert (await world.condition("one", "TopicsReady"))["reason"] == "Progressing"

    async def test_streaming_that_goes(self, operators: Operators, world: World, strimzi: ThirdParty) -> None:
        async with operators.running() as operator:
            for streaming, left in ((STRIMZI, 10), (OWNED, 0)):
                await world.apply("one", {"streaming": streaming})
                await world.until_there(path(world))
                await world.until_told("one")
                await world.apply("one", {})
                await world.until_told("one")
                await idle(operator)
                assert len(await topics(world)) == left


async def test_a_foreign_topic_is_refused(
    operators: Operators, world: World, proxy: FaultProxy, strimzi: ThirdParty
) -> None:
    body = {
        "apiVersion": KAFKA_TOPIC.api_version,
        "kind": KAFKA_TOPIC.kind,
        "metadata": {"name": "one-logs.raw.web"},
        "spec": {"partitions": 1},
    }
    theirs = await world.admin.apply(path(world), body, force=True)
    async with operators.running() as operator:
        await world.apply("one", {"streaming": STRIMZI})
        told = await world.until_condition("one", "TopicsReady", reason="ChildNotOwned")
        assert "one-logs.raw.web" in told["message"]
        await idle(operator)
        after = await world.admin.get(path(world))
        assert after["metadata"]["resourceVersion"] == theirs["metadata"]["resourceVersion"]
        await world.remove(path(world))

        async def ours() -> bool:
            live = await world.get(path(world))
            return live is not None and "dspy.dev/workspace" in live["metadata"].get("labels", {})

        await world.until(ours, "the topic was never made")


async def test_between_strimzi_and_plain_brokers(
    operators: Operators, world: World, strimzi: ThirdParty
) -> None:
    job = f"{BATCH_JOB.path(world.namespace)}/one-topics"
    async with operators.running() as operator:
        await world.apply("one", {"streaming": OWNED})
        await world.until_told("one")
        await idle(operator)
        first = await settled(world)
        await world.apply("one", {"streaming": PLAIN})
        await world.until_there(job)
        await world.until_told("one")
        await idle(operator)
        assert len(await topics(world)) == 10  # plain brokers: nothing is deleted
        await world.apply("one", {"streaming": OWNED})
        await world.until_gone(job)

        async def back() -> bool:
            return await settled(world) == first

        await world.until(back, "never back to the first state")


async def test_another_prefix_means_other_topics(
    operators: Operators, world: World, strimzi: ThirdParty
) -> None:
    async with operators.running() as operator:
        await world.apply("one", {"streaming": OWNED})
        await world.until_told("one")
        await world.apply("one", {"streaming": {**OWNED, "topicPrefix": "shop."}})
        await world.until_told("one")
        await idle(operator)
        names = {item["spec"]["topicName"] for item in (await topics(world)).values()}
        assert len(names) == 10
        assert all(name.startswith("shop.") for name in names)
