"""TopicsReady and ContextStreamReady: from what topics, the Job and pods say."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.facts import Refusal
from tests.operator.build import Scene, ended, facts, waiting
from tests.operator.test_streams import PLAIN, SHARED, STRIMZI

SPARK: dict[str, Any] = {**PLAIN, "contextJob": {"engine": "Spark", **SHARED}}


def scene(streaming: dict[str, Any], **spec: Any) -> Scene:
    return Scene({"streaming": streaming, **spec})


def test_all_is_well() -> None:
    for streaming in (STRIMZI, PLAIN):
        found = scene(streaming).reasons()
        assert found["Ready"] == ("True", "Ready")
        assert found["ContextStreamReady"] == ("True", "Running")
    assert scene(STRIMZI).condition("TopicsReady")["message"].startswith("10 of 10 topics")
    assert scene(PLAIN).reasons()["TopicsReady"] == ("True", "TopicsMade")


def test_nothing_was_asked_for() -> None:
    found = Scene({}).reasons()
    assert found["TopicsReady"] == found["ContextStreamReady"] == ("True", "NotRequested")


class TestKafkaTopics:
    def test_strimzi_is_not_there(self) -> None:
        found = scene(STRIMZI)
        found.facts = facts(served=frozenset())
        told = found.condition("TopicsReady")
        assert (told["status"], told["reason"]) == ("False", "StrimziNotInstalled")
        assert found.reasons()["Ready"] == ("False", "StrimziNotInstalled")
        assert found.reasons()["AgentReady"][0] == "True"

    def test_some_are_not_ready_yet(self) -> None:
        found = scene(STRIMZI)
        found.of("KafkaTopic", "logs.ctx.web")["status"] = {}
        told = found.condition("TopicsReady")
        assert (told["status"], told["reason"]) == ("False", "Progressing")
        assert told["message"].startswith("9 of 10 topics are ready")

    def test_an_answer_to_an_older_spec_does_not_count(self) -> None:
        found = scene(STRIMZI)
        found.of("KafkaTopic", "logs.raw.web")["metadata"]["generation"] = 2
        assert found.reasons()["TopicsReady"] == ("False", "Progressing")

    def test_what_the_topic_operator_refuses_is_told(self) -> None:
        found = scene(STRIMZI)
        refused = {
            "type": "Ready",
            "status": "False",
            "reason": "NotSupported",
            "message": "Decreasing partitions not supported",
        }
        found.of("KafkaTopic", "logs.raw.web")["status"] = {"observedGeneration": 1, "conditions": [refused]}
        told = found.condition("TopicsReady")
        assert told["reason"] == "NotSupported"
        assert "9 of 10 topics are ready" in told["message"]
        assert 'KafkaTopic "demo-logs.raw.web": Decreasing partitions' in told["message"]

    def test_one_that_strimzi_leaves_alone_is_told(self) -> None:
        found = scene(STRIMZI)
        paused = {"type": "ReconciliationPaused", "status": "True"}
        found.of("KafkaTopic", "logs.raw.web")["status"] = {"observedGeneration": 1, "conditions": [paused]}
        assert found.reasons()["TopicsReady"] == ("False", "ReconciliationPaused")

    def test_one_that_belongs_to_somebody_else(self) -> None:
        found = scene(STRIMZI)
        found.of("KafkaTopic", "logs.raw.web")["metadata"]["annotations"] = {}
        assert found.reasons()["TopicsReady"] == ("False", "ChildNotOwned")


class TestTopicJob:
    def test_it_runs(self) -> None:
        found = scene(PLAIN)
        found.of("Job", "topics")["status"] = {"active": 1}
        assert found.reasons()["TopicsReady"] == ("False", "Progressing")

    def test_its_pod_says_why_it_fails(self) -> None:
        found = scene(PLAIN)
        found.of("Job", "topics")["status"] = {"active": 1}
        last = ended(1, message='{"reason": "BrokerUnreachable", "message": "No broker at kafka:9092."}')
        found.pod("topics", containers=[waiting("topics", "CrashLoopBackOff", lastState=last)])
        told = found.condition("TopicsReady")
        assert (told["reason"], told["message"]) == ("BrokerUnreachable", "No broker at kafka:9092.")

    def test_it_failed_for_good(self) -> None:
        found = scene(PLAIN)
        failed = {"type": "Failed", "status": "True", "reason": "DeadlineExceeded", "message": "Too long."}
        found.of("Job", "topics")["status"] = {"conditions": [failed]}
        told = found.condition("TopicsReady")
        assert told["reason"] == "DeadlineExceeded"
        assert "made anew" in told["message"]

    def test_suspended_before_it_ran(self) -> None:
        found = scene(PLAIN, operatingMode="Suspended")
        found.of("Job", "topics")["status"] = {}
        assert found.reasons()["TopicsReady"] == ("False", "Suspended")

    def test_topics_stay_ready_while_suspended(self) -> None:
        for streaming in (PLAIN, STRIMZI):
            assert scene(streaming, operatingMode="Suspended").reasons()["TopicsReady"][0] == "True"


class TestPrograms:
    @pytest.mark.parametrize("name", ["context", "worker", "router"])
    def test_one_is_starting(self, name: str) -> None:
        found = scene(PLAIN)
        found.unready("Deployment", name)
        told = found.condition("ContextStreamReady")
        assert (told["status"], told["reason"]) == ("False", "Progressing")
        assert told["message"] == f"0 of 1 {name} pods are ready."

    def test_one_crashes(self) -> None:
        found = scene(PLAIN)
        found.unready("Deployment", "worker")
        state = waiting("worker", "CrashLoopBackOff", restartCount=4, lastState=ended(1))
        found.pod("worker", containers=[state])
        assert found.reasons()["ContextStreamReady"] == ("False", "CrashLooping")
        assert found.reasons()["TopicsReady"][0] == "True"

    def test_none_is_needed_without_an_app(self) -> None:
        assert scene({"kafka": PLAIN["kafka"]}).reasons()["ContextStreamReady"] == ("True", "NoApps")

    def test_suspended(self) -> None:
        found = scene(PLAIN, operatingMode="Suspended")
        assert found.reasons()["ContextStreamReady"] == ("False", "Suspended")
        found.of("Deployment", "worker")["status"]["replicas"] = 1
        assert "still stopping" in found.condition("ContextStreamReady")["message"]

    def test_what_can_not_be_removed_is_told(self) -> None:
        found = scene(PLAIN)
        gone = Scene({}, generation=2)
        left = found.ref("Deployment", "worker")
        gone.live[left] = found.live[left]
        gone.facts = facts(refusals={left: Refusal(403, "the operator cannot delete deployments")})
        assert gone.reasons()["ContextStreamReady"] == ("False", "OperatorForbidden")

    def test_the_router_is_an_endpoint(self) -> None:
        urls = {item["name"]: item["url"] for item in scene(PLAIN).status()["endpoints"]}
        assert urls["router"] == "http://demo-router.team.svc.cluster.local:8645"


class TestSpark:
    def state(self, state: str, message: str = "") -> Scene:
        found = scene(SPARK)
        status = {"applicationState": {"state": state, "errorMessage": message}} if state else {}
        found.of("SparkApplication", "context")["status"] = status
        return found

    def test_it_runs(self) -> None:
        assert self.state("RUNNING").reasons()["ContextStreamReady"] == ("True", "Running")

    @pytest.mark.parametrize("state", ["", "SUBMITTED", "PENDING_RERUN"])
    def test_it_is_on_its_way(self, state: str) -> None:
        assert self.state(state).reasons()["ContextStreamReady"] == ("False", "Progressing")

    @pytest.mark.parametrize("state", ["FAILED", "SUBMISSION_FAILED", "FAILING"])
    def test_it_failed(self, state: str) -> None:
        told = self.state(state, "driver pod failed").condition("ContextStreamReady")
        assert told["reason"] == "SparkApplicationFailed"
        assert "driver pod failed" in told["message"]

    def test_its_volume_is_part_of_the_storage(self) -> None:
        found = scene({**PLAIN, "contextJob": {"engine": "Spark"}})
        found.of("PersistentVolumeClaim", "checkpoints")["status"] = {"phase": "Pending"}
        assert found.reasons()["StorageReady"] == ("False", "ProvisioningVolume")
