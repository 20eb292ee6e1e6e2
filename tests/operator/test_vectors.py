"""spec.vectorStore: what the agent is told, who watches the store, and VectorStoreReady."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.contracts.cluster import Termination
from dspy_operator.children import possible_refs, vector_refs
from dspy_operator.desired.vectors import collection_prefix
from dspy_operator.facts import Refusal
from tests.operator.build import Scene, children, ended, facts, waiting
from tests.operator.test_network import OWN, namespace, port

URI = "http://milvus.data.svc:19530"
MILVUS: dict[str, Any] = {"vectorStore": {"milvus": {"uri": URI}}}
CLOSED: dict[str, Any] = {"vectorStore": {"milvus": {"uri": URI, "secretRef": {"name": "milvus-login"}}}}
LITE: dict[str, Any] = {"vectorStore": {"milvusLite": {}}}


def bodies(spec: dict[str, Any]) -> dict[Any, Any]:
    return {key: child.body for key, child in children(spec).items()}


def settings(spec: dict[str, Any]) -> dict[str, str]:
    data: dict[str, str] = bodies(spec)["ConfigMap", "agent"]["data"]
    return {name: value for name, value in data.items() if "VECTOR" in name}


def pod(spec: dict[str, Any], kind: str = "Deployment", end: str = "vectors") -> dict[str, Any]:
    found: dict[str, Any] = bodies(spec)[kind, end]["spec"]["template"]["spec"]
    return found


def scene(**spec: Any) -> Scene:
    return Scene({**MILVUS, **spec})


class TestChildren:
    def test_none_for_the_local_index(self) -> None:
        assert bodies({}) == bodies({"vectorStore": {"none": {}}})
        assert settings({}) == {}

    def test_lite_is_the_agents_own_business(self) -> None:
        assert settings(LITE) == {"DSPY_AGENT_VECTOR_STORE": "lite"}
        assert bodies(LITE).keys() == bodies({}).keys()

    def test_a_server_is_told_and_watched(self) -> None:
        assert bodies(MILVUS).keys() - bodies({}).keys() == {
            ("Deployment", "vectors"),
            ("NetworkPolicy", "vectors"),
        }
        told = settings(MILVUS)
        assert told["DSPY_AGENT_VECTOR_STORE"] == URI
        assert told["DSPY_AGENT_VECTOR_COLLECTION_PREFIX"] == collection_prefix("team", "demo")
        (container,) = pod(MILVUS)["containers"]
        assert {item["name"]: item["value"] for item in container["env"]} == {**told, "HOME": "/tmp"}
        assert container["command"] == ["python", "-m", "dspy_agent.incluster.vector_store"]

    def test_the_secret_is_mounted_where_it_is_read_and_nowhere_else(self) -> None:
        folder = "/etc/dspy-agent/vectors"
        assert settings(CLOSED)["DSPY_AGENT_VECTOR_SECRET"] == folder
        for spec in (pod(CLOSED), pod(CLOSED, "StatefulSet", "agent")):
            (volume,) = [item for item in spec["volumes"] if item["name"] == "vector-secret"]
            assert volume["secret"] == {"secretName": "milvus-login", "optional": True, "defaultMode": 0o440}
            mounts = [m["mountPath"] for c in spec["containers"] for m in c["volumeMounts"]]
            assert folder in mounts
        (source,) = pod(CLOSED, "StatefulSet", "agent")["initContainers"]
        assert folder not in [mount["mountPath"] for mount in source["volumeMounts"]]
        assert "milvus-login" not in json.dumps(settings(CLOSED))
        assert "vector-secret" not in json.dumps(bodies(MILVUS)["Deployment", "vectors"])

    def test_an_older_watch_does_not_speak_beside_a_newer_one(self) -> None:
        assert bodies(MILVUS)["Deployment", "vectors"]["spec"]["strategy"] == {"type": "Recreate"}

    def test_suspended(self) -> None:
        found = bodies({**MILVUS, "operatingMode": "Suspended"})
        assert found["Deployment", "vectors"]["spec"]["replicas"] == 0

    def test_all_children_are_among_the_possible_ones(self) -> None:
        refs = {*possible_refs("team", "demo"), *vector_refs("team", "demo")}
        assert {child.ref for child in children(CLOSED).values()} <= refs


class TestNetwork:
    def egress(self, spec: dict[str, Any], end: str) -> list[Any]:
        found: list[Any] = bodies(spec)["NetworkPolicy", end]["spec"]["egress"]
        return found

    @pytest.mark.parametrize(
        ("uri", "rules"),
        [
            (URI, [namespace("data")]),
            ("http://milvus", [OWN, port(19530)]),
            ("http://milvus:9999", [OWN, port(9999)]),
            ("https://in01.cloud.example.com", [port(443)]),
            ("https://in01.cloud.example.com:19531/db", [port(19531)]),
        ],
    )
    def test_agent_and_watch_reach_the_store(self, uri: str, rules: list[Any]) -> None:
        spec = {"vectorStore": {"milvus": {"uri": uri}}}
        assert self.egress(spec, "agent")[1:] == rules
        assert self.egress(spec, "vectors")[1:] == rules

    def test_nobody_else_reaches_it_and_nobody_reaches_the_watch(self) -> None:
        streaming = {"kafka": {"bootstrapServers": "kafka:9092"}, "apps": [{"name": "web"}]}
        found = bodies({**MILVUS, "streaming": streaming})
        assert namespace("data") not in found["NetworkPolicy", "streams"]["spec"]["egress"]
        watch = found["NetworkPolicy", "vectors"]["spec"]
        assert (watch["policyTypes"], watch["ingress"]) == (["Ingress", "Egress"], [])
        assert watch["podSelector"]["matchLabels"]["dspy.dev/component"] == "vectors"

    def test_more_ways_out_are_for_the_watch_too(self) -> None:
        rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
        assert rule in self.egress({**MILVUS, "networkPolicy": {"egress": [rule]}}, "vectors")

    def test_none_where_the_user_makes_them(self) -> None:
        found = bodies({**MILVUS, "networkPolicy": {"management": "Unmanaged"}})
        assert ("NetworkPolicy", "vectors") not in found


NAMES = st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,60}[a-z0-9])?", fullmatch=True)


@given(st.tuples(NAMES, NAMES), st.tuples(NAMES, NAMES))
def test_two_workspaces_never_share_a_prefix(one: tuple[str, str], other: tuple[str, str]) -> None:
    first, second = collection_prefix(*one), collection_prefix(*other)
    assert re.fullmatch("[a-z_][a-z0-9_]{0,99}", first)
    assert one == other or not (first.startswith(second) or second.startswith(first))


def test_prefixes_that_look_the_same_differ() -> None:
    assert collection_prefix("a-b", "c") != collection_prefix("a", "b-c") != collection_prefix("a", "b.c")


class TestReady:
    def test_it_answers(self) -> None:
        found = scene()
        assert found.reasons()["VectorStoreReady"] == ("True", "Connected")
        assert found.reasons()["Ready"] == ("True", "Ready")
        assert {"name": "vectors", "url": URI} in found.status()["endpoints"]

    def test_nothing_to_connect_to(self) -> None:
        assert Scene({}).reasons()["VectorStoreReady"] == ("True", "NotRequested")
        assert Scene(LITE).reasons()["VectorStoreReady"] == ("True", "Local")
        assert Scene(LITE).reasons()["Ready"] == ("True", "Ready")

    def test_connecting(self) -> None:
        found = scene()
        found.unready("Deployment", "vectors")
        told = found.condition("VectorStoreReady")
        assert (told["status"], told["reason"]) == ("False", "Progressing")
        assert URI in told["message"]

    def test_what_the_watch_says_is_told_and_the_agent_stays_ready(self) -> None:
        found = scene()
        found.unready("Deployment", "vectors")
        found.facts = facts(vectors=Termination("VectorStoreUnreachable", "No way."))
        told = found.condition("VectorStoreReady")
        assert (told["status"], told["reason"], told["message"]) == (
            "False",
            "VectorStoreUnreachable",
            "No way.",
        )
        assert found.reasons()["Ready"] == ("False", "VectorStoreUnreachable")
        assert found.reasons()["AgentReady"] == ("True", "Running")

    def test_what_keeps_its_pod_from_running(self) -> None:
        found = scene()
        found.unready("Deployment", "vectors")
        state = waiting("vectors", "CrashLoopBackOff", restartCount=4, lastState=ended(1))
        found.pod("vectors", containers=[state])
        assert found.reasons()["VectorStoreReady"] == ("False", "CrashLooping")

    def test_not_there_yet(self) -> None:
        found = scene()
        found.live[found.ref("Deployment", "vectors")] = None
        assert found.reasons()["VectorStoreReady"] == ("False", "Progressing")

    def test_somebody_elses(self) -> None:
        found = scene()
        found.of("Deployment", "vectors")["metadata"]["ownerReferences"] = []
        assert found.reasons()["VectorStoreReady"] == ("False", "ChildNotOwned")

    def test_suspended(self) -> None:
        found = scene(operatingMode="Suspended")
        assert found.reasons()["VectorStoreReady"] == ("False", "Suspended")
        found.of("Deployment", "vectors")["status"]["replicas"] = 1
        assert "still stopping" in found.condition("VectorStoreReady")["message"]

    @pytest.mark.parametrize("spec", [{}, LITE])
    def test_what_can_not_be_removed_is_told(self, spec: dict[str, Any]) -> None:
        found = scene()
        gone = Scene(spec, generation=2)
        left = found.ref("Deployment", "vectors")
        gone.live[left] = found.live[left]
        gone.facts = facts(refusals={left: Refusal(403, "the operator cannot delete deployments")})
        assert gone.reasons()["VectorStoreReady"] == ("False", "OperatorForbidden")
