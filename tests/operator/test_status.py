"""Conditions as Kubernetes users expect them: all set at once, for the new generation, still when idle."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from dspy_operator.api.metadata import InvalidSpec
from dspy_operator.api.training_job import parse as parse_job
from dspy_operator.api.workspace import parse
from dspy_operator.facts import Claim, Facts
from dspy_operator.status import invalid_status, job_status
from tests.operator.build import NOW, Scene, facts, resource

CONDITIONS = [
    "Ready",
    "AgentReady",
    "ModelReady",
    "TopicsReady",
    "ContextStreamReady",
    "VectorStoreReady",
    "StorageReady",
    "Suspended",
]
OLLAMA: dict[str, Any] = {"model": {"ollama": {"model": "qwen3:1.7b"}}}


def test_all_conditions_are_set_on_the_first_visit() -> None:
    scene = Scene(OLLAMA)
    scene.live = {}
    found = scene.status()
    assert [item["type"] for item in found["conditions"]] == CONDITIONS
    assert all(item["observedGeneration"] == 1 and item["message"] for item in found["conditions"])
    assert scene.reasons()["Ready"] == ("False", "Progressing")


@pytest.mark.parametrize(
    "spec",
    [
        {},
        OLLAMA,
        {"source": {"pvc": {"claimName": "code"}}},
        {"agent": {"replicas": 0}},
        {"agent": {"replicas": 3}},
    ],
)
def test_ready_when_all_children_are(spec: dict[str, Any]) -> None:
    scene = Scene(spec)
    assert scene.reasons()["Ready"] == ("True", "Ready")
    assert scene.reasons()["Suspended"] == ("False", "Running")


def test_a_second_look_changes_nothing() -> None:
    scene = Scene(OLLAMA)
    first = scene.status()
    scene.facts = facts(300)
    scene.workspace = dataclasses.replace(scene.workspace, status=first)
    assert scene.status(first) == first


def test_transition_time_moves_only_with_the_status() -> None:
    scene = Scene()
    first = scene.status()
    scene.facts = facts(60)
    scene.unready()
    second = {item["type"]: item for item in scene.status(first)["conditions"]}
    assert second["AgentReady"]["lastTransitionTime"] == "2026-05-01T12:01:00Z"
    assert second["ModelReady"]["lastTransitionTime"] == "2026-05-01T12:00:00Z"


def unobserved(child: dict[str, Any]) -> None:
    child["metadata"]["generation"] = 2


def rolling(child: dict[str, Any]) -> None:
    child["status"] |= {"updateRevision": "b", "updatedReplicas": 0}


def surplus_pods(child: dict[str, Any]) -> None:
    child["status"] |= {"replicas": 2}


@pytest.mark.parametrize("change", [unobserved, rolling, surplus_pods])
def test_not_ready_until_the_rollout_of_the_new_spec_is_complete(change: Any) -> None:
    scene = Scene()
    change(scene.of("StatefulSet", "agent"))
    assert scene.reasons()["AgentReady"] == ("False", "Progressing")
    assert scene.reasons()["Ready"] == ("False", "Progressing")


def test_not_ready_while_a_child_differs_from_the_new_spec() -> None:
    scene = Scene(generation=2)
    scene.of("ConfigMap", "agent")["data"]["HOME"] = "/elsewhere"
    assert scene.reasons()["Ready"] == ("False", "Progressing")


def test_ready_speaks_of_the_new_generation() -> None:
    scene = Scene(generation=7)
    assert scene.condition("Ready")["observedGeneration"] == 7
    assert scene.status()["observedGeneration"] == 7


class TestDeadline:
    def test_exceeded(self) -> None:
        scene = Scene({"progressDeadlineSeconds": 60})
        scene.unready()
        first = scene.status()
        scene.workspace = dataclasses.replace(scene.workspace, status=first)
        scene.facts = facts(59)
        assert scene.condition("Ready", first)["reason"] == "Progressing"
        scene.facts = facts(60)
        found = scene.condition("Ready", first)
        assert found["reason"] == "ProgressDeadlineExceeded"
        assert "0 of 1 agent pods" in found["message"]

    def test_a_new_spec_starts_it_anew(self) -> None:
        scene = Scene({"progressDeadlineSeconds": 60})
        scene.unready()
        first = scene.status()
        scene.workspace = parse(resource({"progressDeadlineSeconds": 60}, generation=2, status=first))
        scene.facts = facts(100)
        assert scene.status(first)["progressStartedTime"] == "2026-05-01T12:01:40Z"
        assert scene.condition("Ready", first)["reason"] != "ProgressDeadlineExceeded"

    def test_the_loss_of_readiness_starts_it_anew(self) -> None:
        scene = Scene({"progressDeadlineSeconds": 60})
        first = scene.status()
        scene.unready()
        scene.facts = facts(1000)
        assert scene.condition("Ready", first)["reason"] == "Progressing"


class TestSuspended:
    def test_reasons(self) -> None:
        scene = Scene({"operatingMode": "Suspended", **OLLAMA})
        found = scene.reasons()
        assert found["Suspended"] == ("True", "OperatingMode")
        assert found["Ready"] == found["AgentReady"] == found["ModelReady"] == ("False", "Suspended")
        assert found["StorageReady"] == ("True", "Bound")

    def test_pods_that_still_stop_are_told(self) -> None:
        scene = Scene({"operatingMode": "Suspended"})
        scene.of("StatefulSet", "agent")["status"]["replicas"] = 1
        assert "still stopping" in scene.condition("AgentReady")["message"]


def test_agent_and_endpoints() -> None:
    found = Scene(OLLAMA).status()
    assert found["agent"] == {
        "replicas": 1,
        "readyReplicas": 1,
        "selector": "dspy.dev/workspace=demo,dspy.dev/component=agent",
        "podName": "demo-agent-0",
    }
    urls = {item["name"]: item["url"] for item in found["endpoints"]}
    assert urls["model"] == "http://demo-model.team.svc.cluster.local:11434"


def test_the_pod_to_connect_to_is_a_ready_one() -> None:
    scene = Scene({"agent": {"replicas": 2}})
    scene.of("StatefulSet", "agent")["status"]["readyReplicas"] = 1
    assert "podName" not in scene.status()["agent"]
    scene.pod(ready=True)
    assert scene.status()["agent"]["podName"] == "demo-agent-0"


def test_a_bound_claim_can_not_get_another_class() -> None:
    scene = Scene({"storage": {"storageClassName": "fast"}})
    scene.facts = Facts(NOW, claims={"demo-workspace": Claim("10Gi", "slow", ("ReadWriteOnce",), True)})
    assert scene.reasons()["StorageReady"] == ("False", "VolumeChangeRefused")


def test_a_spec_that_can_not_be_read() -> None:
    with pytest.raises(InvalidSpec) as caught:
        parse(resource({"agent": {"replicas": "many"}}, generation=3))
    found = invalid_status(caught.value, {}, NOW)
    ready = found["conditions"][0]
    assert (ready["type"], ready["status"], ready["reason"]) == ("Ready", "False", "InvalidSpec")
    assert all("spec.agent.replicas" in item["message"] for item in found["conditions"])
    assert [item["type"] for item in found["conditions"]] == CONDITIONS
    assert found["observedGeneration"] == 3


def test_a_training_job_is_told_not_to_be_reconciled() -> None:
    job = parse_job(resource({"workspaceRef": {"name": "demo"}, "algorithm": {"bandit": {}}}))
    found = job_status(job, facts(), {})
    states = {item["type"]: (item["status"], item["reason"]) for item in found["conditions"]}
    assert states.pop("Suspended") == ("False", "Running")
    assert set(states) == {"ResourcesReady", "Progressing", "Complete", "Failed"}
    assert set(states.values()) == {("False", "NotReconciled")}
    assert job_status(job, facts(90), found) == found
