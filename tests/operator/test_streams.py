"""What spec.streaming makes of a workspace: topics, programs, ways in and out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dspy_agent_core.contracts.topics import Topics, app_topics, shared_topics
from dspy_operator.children import KAFKA_TOPIC, OPTIONAL_KINDS, SPARK_APPLICATION, possible_refs, stream_refs
from dspy_operator.settings import Settings
from tests.operator.build import children, facts

STRIMZI: dict[str, Any] = {"kafka": {"strimzi": {"cluster": "main"}}, "apps": [{"name": "web"}]}
PLAIN: dict[str, Any] = {"kafka": {"bootstrapServers": "kafka:9092"}, "apps": [{"name": "web"}]}
SHARED = {"checkpointStorage": {"accessModes": ["ReadWriteMany"]}}
OLLAMA: dict[str, Any] = {"model": {"ollama": {"model": "qwen3:1.7b"}}}


def streams(base: dict[str, Any], spec: dict[str, Any] | None = None, **more: Any) -> dict[Any, Any]:
    """Bodies of the children of a workspace with these streams."""
    found = children({**(spec or {}), "streaming": {**base, **more}})
    return {key: child.body for key, child in found.items()}


def container(bodies: dict[Any, Any], name: str, kind: str = "Deployment") -> dict[str, Any]:
    (found,) = bodies[kind, name]["spec"]["template"]["spec"]["containers"]
    return dict(found)


def env(container: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container["env"]}


def topics(bodies: dict[Any, Any]) -> dict[str, dict[str, Any]]:
    """KafkaTopics by the name of the topic."""
    return {body["spec"]["topicName"]: body for (kind, _), body in bodies.items() if kind == KAFKA_TOPIC.kind}


class TestKafkaTopics:
    def test_of_an_app_and_of_all_apps(self) -> None:
        config = {"retention.ms": "60000"}
        app = {"name": "web", "partitions": 3, "replicas": 2, "config": config}
        found = topics(streams({**STRIMZI, "apps": [app]}))
        names = Topics("team.demo.")
        assert set(found) == {topic.name for topic in (*app_topics(names, "web"), *shared_topics(names))}
        raw = found["team.demo.logs.raw.web"]
        assert raw["metadata"]["name"] == "demo-logs.raw.web"
        assert raw["metadata"]["labels"]["strimzi.io/cluster"] == "main"
        assert raw["spec"]["partitions"] == 3
        assert raw["spec"]["replicas"] == 2
        assert raw["spec"]["config"].items() >= {**config, "message.timestamp.type": "LogAppendTime"}.items()

    def test_another_app_changes_no_topic_that_all_share(self) -> None:
        one = topics(streams(STRIMZI))["team.demo.agent.metrics"]
        many = topics(streams(STRIMZI, apps=[{"name": "web"}, {"name": "api", "replicas": 3}]))
        assert many["team.demo.agent.metrics"] == one
        assert "replicas" not in one["spec"]

    @pytest.mark.parametrize("prefix", ["", "A_b..", "x" * 128, "team.demo", "team.demo.more."])
    def test_names_of_objects_are_names_whatever_the_prefix(self, prefix: str) -> None:
        app = "a" * 63
        found = topics(streams(STRIMZI, apps=[{"name": app}], topicPrefix=prefix))
        assert f"{prefix}logs.raw.{app}" in found
        names = {body["metadata"]["name"] for body in found.values()}
        assert len(names) == len(found)
        assert all(len(name) <= 253 and name == name.lower() and "_" not in name for name in names)
        assert not names & {body["metadata"]["name"] for body in topics(streams(STRIMZI)).values()}

    def test_the_default_prefix_by_hand_means_the_same_objects(self) -> None:
        assert topics(streams(STRIMZI, topicPrefix="team.demo.")) == topics(streams(STRIMZI))

    def test_retained_ones_have_no_owner(self) -> None:
        kept = topics(streams(STRIMZI))["team.demo.logs.raw.web"]["metadata"]
        assert "ownerReferences" not in kept
        assert kept["annotations"]["dspy.dev/retained-for"] == "demo"
        owned = topics(streams(STRIMZI, topicRetainPolicy="Delete"))["team.demo.logs.raw.web"]["metadata"]
        assert owned["ownerReferences"][0]["name"] == "demo"
        assert "dspy.dev/retained-for" not in owned["annotations"]

    def test_none_without_strimzi_but_all_else(self) -> None:
        known = facts(served=frozenset())
        found = children({"streaming": STRIMZI}, known)
        assert not [kind for kind, _ in found if kind == KAFKA_TOPIC.kind]
        assert ("Deployment", "context") in found
        assert ("Job", "topics") not in found


class TestTopicJob:
    def test_what_it_is_told(self) -> None:
        job = streams(PLAIN, apps=[{"name": "web", "partitions": 2}, {"name": "api", "replicas": 3}])
        told = env(container(job, "topics", "Job"))
        assert json.loads(told["DSPY_AGENT_TOPICS_SPEC"]) == [
            {"name": "web", "partitions": 2, "replicas": 1},
            {"name": "api", "partitions": 1, "replicas": 3},
        ]
        assert told["KAFKA_BOOTSTRAP"] == "kafka:9092"
        assert container(job, "topics", "Job")["command"] == ["dspy-agent", "stream", "topics"]
        assert not topics(job)

    def test_it_is_kept_and_tries_until_it_succeeds(self) -> None:
        spec = streams(PLAIN)["Job", "topics"]["spec"]
        assert "ttlSecondsAfterFinished" not in spec
        assert spec["template"]["spec"]["restartPolicy"] == "OnFailure"
        assert spec["backoffLimit"] > 1000

    def test_it_does_not_start_while_suspended(self) -> None:
        running = streams(PLAIN)["Job", "topics"]["spec"]
        asleep = streams(PLAIN, {"operatingMode": "Suspended"})["Job", "topics"]["spec"]
        assert (running["suspend"], asleep["suspend"]) == (False, True)
        assert running["template"] == asleep["template"]


class TestPrograms:
    def test_where_they_find_things(self) -> None:
        found = streams(STRIMZI, OLLAMA, apps=[{"name": "web"}, {"name": "api"}])
        want = {
            "KAFKA_BOOTSTRAP": "main-kafka-bootstrap.team.svc.cluster.local:9092",
            "DSPY_AGENT_TOPIC_PREFIX": "team.demo.",
            "DSPY_AGENT_APPS": "web api",
        }
        for name in ("context", "worker", "router"):
            assert want.items() <= env(container(found, name)).items()
        data = found["ConfigMap", "agent"]["data"]
        assert want.items() <= data.items()
        assert data["DSPY_AGENT_ROUTER"] == "http://demo-router.team.svc.cluster.local:8645"
        assert env(container(found, "worker"))["OLLAMA_MODEL"] == "qwen3:1.7b"
        assert "OLLAMA_MODEL" not in env(container(found, "router"))

    def test_a_new_app_does_not_restart_the_agent(self) -> None:
        one, two = streams(PLAIN), streams(PLAIN, apps=[{"name": "web"}, {"name": "api"}])
        none = streams({"kafka": PLAIN["kafka"]})
        template = {"StatefulSet": "agent", "Deployment": "context"}
        for kind, same in (("StatefulSet", True), ("Deployment", False)):
            key = kind, template[kind]
            assert (one[key]["spec"]["template"] == two[key]["spec"]["template"]) is same
        # Its router is new to it.
        assert none["StatefulSet", "agent"]["spec"] != one["StatefulSet", "agent"]["spec"]

    def test_a_worker_has_the_key_of_the_model_by_reference(self) -> None:
        remote = {"baseURL": "https://m.example.com/v1", "model": "m", "apiKeySecretRef": {"name": "llm"}}
        found = container(streams(PLAIN, {"model": {"openAICompatible": remote}}), "worker")
        (key,) = [item for item in found["env"] if "valueFrom" in item]
        assert key["valueFrom"]["secretKeyRef"] == {"name": "llm", "key": "api-key"}

    def test_commands_and_ports(self) -> None:
        found = streams(PLAIN)
        commands = {name: container(found, name)["command"][1:3] for name in ("context", "worker", "router")}
        assert commands == {
            "context": ["stream", "ctx"],
            "worker": ["stream", "worker"],
            "router": ["stream", "router"],
        }
        assert container(found, "router")["readinessProbe"]["httpGet"]["port"] == 8645
        assert container(found, "context")["readinessProbe"]["httpGet"]["port"] == 8646
        service = found["Service", "router"]["spec"]
        assert service["ports"][0]["port"] == 8645
        assert (
            service["selector"].items()
            <= found["Deployment", "router"]["spec"]["template"]["metadata"]["labels"].items()
        )

    def test_numbers(self) -> None:
        found = streams(PLAIN, contextJob={"replicas": 3}, worker={"replicas": 0}, router={"replicas": 0})
        numbers = {name: found["Deployment", name]["spec"]["replicas"] for name in ("context", "worker")}
        assert numbers == {"context": 3, "worker": 0}
        assert ("Service", "router") not in found
        assert "DSPY_AGENT_ROUTER" not in found["ConfigMap", "agent"]["data"]

    def test_suspended(self) -> None:
        found = streams(PLAIN, {"operatingMode": "Suspended"})
        assert {
            body["spec"]["replicas"]
            for (kind, _), body in found.items()
            if kind in ("Deployment", "StatefulSet")
        } == {0}

    def test_without_apps_there_is_nothing_to_run(self) -> None:
        found = streams({"kafka": PLAIN["kafka"]})
        assert not [name for kind, name in found if kind == "Deployment"]
        assert ("Job", "topics") in found

    @pytest.mark.parametrize("base", [STRIMZI, PLAIN, {**PLAIN, "contextJob": {"engine": "Spark"}}])
    def test_pods_are_restricted(self, base: dict[str, Any]) -> None:
        for (kind, _), body in streams(base).items():
            if kind not in ("Deployment", "Job"):
                continue
            spec = body["spec"]["template"]["spec"]
            assert spec["enableServiceLinks"] is False
            assert spec["automountServiceAccountToken"] is False
            for each in spec["containers"]:
                assert each["securityContext"]["readOnlyRootFilesystem"] is True
                assert each["securityContext"]["capabilities"] == {"drop": ["ALL"]}
                assert each["resources"]["requests"]


class TestSpark:
    def spark(self, served: frozenset[Any] = frozenset(OPTIONAL_KINDS), **job: Any) -> dict[Any, Any]:
        spec = {"streaming": {**PLAIN, "contextJob": {"engine": "Spark", **job}}}
        return {key: child.body for key, child in children(spec, facts(served=served)).items()}

    def test_a_plain_pod_with_its_checkpoints(self) -> None:
        found = self.spark(replicas=3, checkpointStorage={"size": "2Gi"})
        deployment = found["Deployment", "context"]["spec"]
        assert deployment["replicas"] == 1
        assert deployment["strategy"] == {"type": "Recreate"}
        driver = container(found, "context")
        assert driver["image"] == Settings().spark_image
        assert driver["command"][:3] == ["dspy-spark-ctx", "--master", "local[3]"]
        (claim,) = [
            item["persistentVolumeClaim"]["claimName"]
            for item in deployment["template"]["spec"]["volumes"]
            if "persistentVolumeClaim" in item
        ]
        body = found["PersistentVolumeClaim", "checkpoints"]
        assert body["metadata"]["name"] == claim
        assert body["spec"]["resources"]["requests"]["storage"] == "2Gi"

    def test_an_application_where_the_cluster_has_them(self) -> None:
        resources = {"requests": {"cpu": "1500m"}, "limits": {"memory": "2Gi"}}
        found = self.spark(replicas=2, resources=resources, **SHARED)
        assert ("Deployment", "context") not in found
        spec = found["SparkApplication", "context"]["spec"]
        assert spec["executor"]["instances"] == 2
        assert (spec["executor"]["cores"], spec["executor"]["memory"]) == (2, "2048m")
        for part, token in (("driver", True), ("executor", False)):
            pod = spec[part]["template"]["spec"]
            assert pod["automountServiceAccountToken"] is token
            assert pod["enableServiceLinks"] is False
            (main,) = pod["containers"]
            assert main["securityContext"]["readOnlyRootFilesystem"] is True
            assert env(main)["KAFKA_BOOTSTRAP"] == "kafka:9092"

    @pytest.mark.parametrize(
        ("served", "job"),
        [
            (frozenset(), SHARED),
            (frozenset({SPARK_APPLICATION}), {**SHARED, "sparkApplication": "Never"}),
            (frozenset({SPARK_APPLICATION}), {}),  # nobody else can mount the checkpoints
            (frozenset({SPARK_APPLICATION}), {**SHARED, "engine": "Light"}),
        ],
    )
    def test_a_plain_pod_otherwise(self, served: frozenset[Any], job: dict[str, Any]) -> None:
        found = self.spark(served, **job)
        assert ("SparkApplication", "context") not in found
        assert ("NetworkPolicy", "context") not in found
        assert ("Deployment", "context") in found

    def test_an_application_that_should_not_run_is_not_there(self) -> None:
        assert ("SparkApplication", "context") not in self.spark(replicas=0, **SHARED)

    def test_its_pods_may_talk_to_each_other(self) -> None:
        policy = self.spark(**SHARED)["NetworkPolicy", "context"]["spec"]
        assert policy["ingress"] == [{"from": [{"podSelector": policy["podSelector"]}]}]
        assert {"ports": [{"protocol": "TCP", "port": 443}, {"protocol": "TCP", "port": 6443}]} in policy[
            "egress"
        ]


class TestNetwork:
    def test_kafka_by_strimzi(self) -> None:
        found = streams(STRIMZI)
        kafka = {
            "to": [{"podSelector": {"matchLabels": {"strimzi.io/cluster": "main"}}}],
            "ports": [{"protocol": "TCP", "port": 9092}],
        }
        assert kafka in found["NetworkPolicy", "streams"]["spec"]["egress"]
        assert kafka in found["NetworkPolicy", "agent"]["spec"]["egress"]

    def test_kafka_elsewhere(self) -> None:
        found = streams(PLAIN, kafka={"bootstrapServers": "k.queues:9092,10.0.0.7:19092"})
        egress = found["NetworkPolicy", "streams"]["spec"]["egress"]
        assert {
            "ports": [{"protocol": "TCP", "port": 19092}],
            "to": [{"ipBlock": {"cidr": "10.0.0.7/32"}}],
        } in egress
        assert {
            "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "queues"}}}]
        } in egress

    def test_one_policy_for_all_pods_of_the_streams(self) -> None:
        found = streams(PLAIN)
        selects = found["NetworkPolicy", "streams"]["spec"]["podSelector"]
        (rule,) = selects["matchExpressions"]
        for kind, name in (("Deployment", "context"), ("Deployment", "worker"), ("Job", "topics")):
            labels = found[kind, name]["spec"]["template"]["metadata"]["labels"]
            assert labels[rule["key"]] in rule["values"]
            assert selects["matchLabels"].items() <= labels.items()
        assert found["NetworkPolicy", "streams"]["spec"]["ingress"] == []

    def test_only_the_agent_reaches_the_router(self) -> None:
        found = streams(PLAIN)
        (rule,) = found["NetworkPolicy", "router"]["spec"]["ingress"]
        (peer,) = rule["from"]
        assert peer["podSelector"]["matchLabels"]["dspy.dev/component"] == "agent"
        assert rule["ports"] == [{"protocol": "TCP", "port": 8645}]

    def test_agent_and_worker_reach_the_model(self) -> None:
        found = streams(PLAIN, OLLAMA)
        (rule,) = found["NetworkPolicy", "model"]["spec"]["ingress"]
        asks = {peer["podSelector"]["matchLabels"]["dspy.dev/component"] for peer in rule["from"]}
        assert asks == {"agent", "worker"}
        (way,) = found["NetworkPolicy", "worker"]["spec"]["egress"]
        assert way["ports"] == [{"protocol": "TCP", "port": 11434}]

    def test_more_ways_out_are_for_the_streams_too(self) -> None:
        rule = {"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}]}
        found = streams(PLAIN, {"networkPolicy": {"egress": [rule]}})
        assert rule in found["NetworkPolicy", "streams"]["spec"]["egress"]

    def test_none_where_the_user_makes_them(self) -> None:
        found = streams(PLAIN, {"networkPolicy": {"management": "Unmanaged"}})
        assert not [name for kind, name in found if kind == "NetworkPolicy"]


@pytest.mark.parametrize(
    "streaming", [STRIMZI, PLAIN, {**PLAIN, "contextJob": {"engine": "Spark"}}], ids=["s", "p", "spark"]
)
def test_all_children_are_among_the_possible_ones(streaming: dict[str, Any]) -> None:
    refs = {*possible_refs("team", "demo"), *stream_refs("team", "demo")}
    found = children({**OLLAMA, "streaming": streaming}).values()
    optional = {kind.kind for kind in OPTIONAL_KINDS}
    assert {child.ref for child in found if child.ref.kind not in optional} <= refs


def test_without_streaming_nothing_is_different() -> None:
    assert children(OLLAMA).keys().isdisjoint({("Deployment", "router"), ("Job", "topics")})
    assert "KAFKA_BOOTSTRAP" not in children({})["ConfigMap", "agent"].body["data"]
