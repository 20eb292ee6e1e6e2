"""The background trainer beside the agent: where it runs, with what, and that nobody waits for it."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_agent_core.contracts.cluster import AGENT_PORT, STREAM_PORT
from tests.operator.build import Scene, children, ended, pod, pod_spec, waiting
from tests.operator.test_streams import PLAIN, STRIMZI, topics

STREAMING: dict[str, Any] = {"streaming": PLAIN}
UP: dict[str, Any] = {"restartCount": 0, "state": {"running": {}}}


def containers(spec: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in pod_spec(spec)["containers"]}


class TestContainer:
    @pytest.mark.parametrize("streaming", [STRIMZI, PLAIN, {"kafka": PLAIN["kafka"]}], ids=["s", "p", "none"])
    def test_beside_the_agent_where_there_are_streams(self, streaming: dict[str, Any]) -> None:
        assert list(containers({"streaming": streaming})) == ["agent", "trainer"]
        assert list(containers({})) == ["agent"]

    def test_not_where_nothing_is_learned(self) -> None:
        off = {"env": [{"name": "DSPY_AGENT_LEARNING", "value": "off"}]}
        assert list(containers({**STREAMING, "agent": off})) == ["agent"]
        referred = {"env": [{"name": "DSPY_AGENT_LEARNING", "valueFrom": {"fieldRef": {"fieldPath": "x"}}}]}
        assert list(containers({**STREAMING, "agent": referred})) == ["agent", "trainer"]

    def test_shares_settings_and_volumes_of_the_agent(self) -> None:
        steps = {"name": "RL_BACKGROUND_STEPS", "value": "200"}
        more = {"secretRef": {"name": "kafka-login"}}
        found = containers({**STREAMING, "agent": {"env": [steps], "envFrom": [more]}})
        agent, trainer = found["agent"], found["trainer"]
        assert trainer["envFrom"] == agent["envFrom"]
        assert trainer["envFrom"][-1] == more
        assert trainer["env"] == [steps]
        for field in ("image", "imagePullPolicy", "workingDir", "volumeMounts"):
            assert trainer[field] == agent[field]

    def test_writes_where_the_code_of_a_claim_is(self) -> None:
        found = containers({**STREAMING, "source": {"pvc": {"claimName": "code"}}})
        mounts = {mount["mountPath"]: mount["name"] for mount in found["trainer"]["volumeMounts"]}
        assert mounts["/workspace/source"] == "source"

    def test_gets_no_secret_of_the_model_and_of_the_store(self) -> None:
        remote = {"baseURL": "https://m.example.com/v1", "model": "m", "apiKeySecretRef": {"name": "llm"}}
        milvus = {"uri": "http://milvus:19530", "secretRef": {"name": "login"}}
        spec = {
            **STREAMING,
            "model": {"openAICompatible": remote},
            "vectorStore": {"milvus": milvus},
            "source": {"git": {"url": "https://git.example.com/x", "secretRef": {"name": "git"}}},
        }
        found = containers(spec)
        assert "env" in found["agent"]
        assert "env" not in found["trainer"]
        assert {mount["name"] for mount in found["trainer"]["volumeMounts"]} == {"workspace", "tmp"}

    def test_probes(self) -> None:
        found = containers(STREAMING)
        trainer, agent = found["trainer"], found["agent"]
        port = str(trainer["livenessProbe"]["httpGet"]["port"])
        assert trainer["command"] == ["dspy-agent", "stream", "trainer", "--http-port", port]
        assert (int(port), agent["livenessProbe"]["httpGet"]["port"]) == (STREAM_PORT, AGENT_PORT)
        # A pod is ready once all that have a readiness are: a broker that is away must not end sessions.
        assert trainer.keys().isdisjoint({"readinessProbe", "startupProbe"})

    def test_is_restricted(self) -> None:
        found = containers(STREAMING)["trainer"]
        assert found["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert found["resources"].keys() == {"requests", "limits"}

    def test_the_template_changes_it_and_takes_it_away(self) -> None:
        def with_template(container: dict[str, Any]) -> dict[str, Any]:
            template = {
                "metadata": {"labels": {"team": "a", "dspy.dev/component": "mine"}},
                "spec": {"containers": [container]},
            }
            return {**STREAMING, "agent": {"template": template}}

        more = with_template({"name": "trainer", "resources": {"limits": {"memory": "1Gi"}}})
        changed = containers(more)["trainer"]
        assert changed["resources"]["limits"] == {"memory": "1Gi"}
        assert changed["command"] == containers(STREAMING)["trainer"]["command"]
        metadata = children(more)["StatefulSet", "agent"].body["spec"]["template"]["metadata"]
        assert metadata["labels"]["dspy.dev/component"] == "agent"
        assert metadata["labels"]["team"] == "a"
        assert list(containers(with_template({"name": "trainer", "$patch": "delete"}))) == ["agent"]

    def test_a_new_app_does_not_restart_it(self) -> None:
        two = {**PLAIN, "apps": [{"name": "web"}, {"name": "api"}]}
        one = children(STREAMING)["StatefulSet", "agent"].body["spec"]["template"]
        assert children({"streaming": two})["StatefulSet", "agent"].body["spec"]["template"] == one

    def test_what_it_reads_and_writes_is_there(self) -> None:
        found = topics({key: child.body for key, child in children({"streaming": STRIMZI}).items()})
        assert {"team.demo.agent.learning", "team.demo.agent.metrics"} <= found.keys()
        egress = children({"streaming": STRIMZI})["NetworkPolicy", "agent"].body["spec"]["egress"]
        assert any(rule.get("ports") == [{"protocol": "TCP", "port": 9092}] for rule in egress)


class TestStatus:
    def scene(self, trainer: dict[str, Any], agent: dict[str, Any] | None = None) -> Scene:
        """A settled workspace whose pod Kubernetes calls not ready, as one container of it is not."""
        found = Scene(STREAMING)
        found.unready()
        found.pod(containers=[agent or {"name": "agent", "ready": True, **UP}, trainer])
        return found

    @pytest.mark.parametrize(
        "trainer",
        [
            waiting("trainer", "CrashLoopBackOff", "back-off 20s", lastState=ended(1)),
            waiting("trainer", "ContainerCreating"),
            {"name": "trainer", "ready": False, "restartCount": 1, "state": ended(137, "OOMKilled")},
        ],
        ids=["crashing", "starting", "killed"],
    )
    def test_a_trainer_that_restarts_changes_nothing(self, trainer: dict[str, Any]) -> None:
        before = Scene(STREAMING).status()
        assert self.scene(trainer).status(before) == before

    def test_an_agent_that_is_not_ready_is_told(self) -> None:
        agent = waiting("agent", "CrashLoopBackOff", restartCount=3, lastState=ended(3))
        found = self.scene({"name": "trainer", "ready": False, **UP}, agent)
        assert found.reasons()["AgentReady"] == ("False", "CrashLooping")
        assert "podName" not in found.status()["agent"]

    def test_of_a_pod_that_ends_nothing_is_said(self) -> None:
        found = Scene(STREAMING)
        found.unready()
        ending = pod(containers=[{"name": "agent", "ready": True, **UP}, waiting("trainer", "Error")])
        ending["metadata"]["deletionTimestamp"] = "2026-05-01T12:00:00Z"
        found.add(ending)
        assert found.reasons()["AgentReady"] == ("False", "Progressing")

    def test_a_rollout_that_its_trainer_keeps_is_told(self) -> None:
        found = self.scene(waiting("trainer", "CrashLoopBackOff", restartCount=3, lastState=ended(2)))
        found.of("StatefulSet", "agent")["status"]["updateRevision"] = "b"
        told = found.condition("AgentReady")
        assert told["reason"] == "CrashLooping"
        assert "Container trainer of pod/demo-agent-0" in told["message"]
