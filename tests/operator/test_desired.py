"""Which children a workspace has, and what each field of its spec does to them."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.children import possible_refs
from dspy_operator.settings import Settings
from tests.operator.build import SETTINGS, children, facts, pod_spec
from tests.operator.spec_fields import Field, fields, minimal, spec_with

OLLAMA: dict[str, Any] = {"model": {"ollama": {"model": "http://models:5000/library/q:1", "insecure": True}}}
# Not of the children: when it runs, and how long it may take.
ELSEWHERE = (
    "spec.operatingMode",
    "spec.lifecycle",
    "spec.progressDeadlineSeconds",
)


def bodies(spec: dict[str, Any]) -> dict[Any, Any]:
    return {key: child.body for key, child in children(spec).items()}


def env(container: dict[str, Any]) -> dict[str, str]:
    return {item["name"]: item.get("value", "") for item in container["env"]}


def changes_children(field: Field) -> bool:
    free = field.schema.get("x-kubernetes-preserve-unknown-fields")
    value = field.leaf and (field.schema.get("type") != "object" or free)
    return bool(value) and not field.path.startswith(ELSEWHERE)


@pytest.mark.parametrize(
    "field", [field for field in fields("AgentWorkspace") if changes_children(field)], ids=str
)
def test_every_field_arrives_in_the_children(field: Field) -> None:
    with_it = spec_with(field.kind, field.path, field.entry[0])
    without = spec_with(field.kind, field.path, None)
    _prune(without)
    if field.path.rpartition(".")[2] in (
        "name",
        "key",
        "url",
        "model",
        "claimName",
        "baseURL",
        "uri",
        "fieldPath",
        "resource",
        "cidr",
        "operator",
        "cluster",
    ):
        without = spec_with(field.kind, field.path, OTHERS.get(field.path.rpartition(".")[2], "another"))
    assert bodies(with_it) != bodies(without)


OTHERS = {
    "cidr": "10.9.0.0/16",
    "operator": "DoesNotExist",
    "baseURL": "http://b.example.com",
    "uri": "http://b.example.com",
    "url": "http://b.example.com/x",
}


def _prune(value: Any) -> None:
    """Leave out what is None, and lists that held only that."""
    if isinstance(value, dict):
        for key in [key for key, item in value.items() if item is None or item == [None]]:
            del value[key]
        for item in value.values():
            _prune(item)
    if isinstance(value, list):
        for item in value:
            _prune(item)


def test_the_smallest_workspace() -> None:
    assert sorted(children({})) == [
        ("ConfigMap", "agent"),
        ("NetworkPolicy", "agent"),
        ("PersistentVolumeClaim", "workspace"),
        ("Service", "agent"),
        ("ServiceAccount", "agent"),
        ("StatefulSet", "agent"),
    ]


def test_a_model_server_of_its_own() -> None:
    more = children(OLLAMA).keys() - children({}).keys()
    assert more == {
        ("Deployment", "model"),
        ("NetworkPolicy", "model"),
        ("PersistentVolumeClaim", "models"),
        ("Service", "model"),
    }


def test_all_children_are_among_the_possible_ones() -> None:
    refs = set(possible_refs("team", "demo"))
    assert {child.ref for child in children(OLLAMA).values()} == refs
    assert len({ref.path for ref in refs}) == len(refs)


@pytest.mark.parametrize("key", list(children(OLLAMA)), ids=str)
def test_every_child_is_owned_and_labelled(key: tuple[str, str]) -> None:
    meta = children(OLLAMA)[key].body["metadata"]
    (owner,) = meta["ownerReferences"]
    assert owner["controller"] is True
    assert "blockOwnerDeletion" not in owner
    assert meta["labels"]["dspy.dev/workspace"] == "demo"
    assert {"dspy.dev/rendered", "dspy.dev/rendered-for", "dspy.dev/rendered-by"} <= meta[
        "annotations"
    ].keys()


@pytest.mark.parametrize("key", [("StatefulSet", "agent"), ("Deployment", "model")])
def test_pods_are_restricted(key: tuple[str, str]) -> None:
    spec = children(OLLAMA)[key].body["spec"]["template"]["spec"]
    assert spec["enableServiceLinks"] is False
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in [*spec.get("initContainers", []), *spec["containers"]]:
        closed = container["securityContext"]
        assert closed["allowPrivilegeEscalation"] is False
        assert closed["readOnlyRootFilesystem"] is True
        assert closed["capabilities"] == {"drop": ["ALL"]}
        assert container["resources"]["requests"]


class TestSource:
    def test_git(self) -> None:
        git = {"url": "https://git.example.com/x", "ref": "v1", "secretRef": {"name": "login"}}
        spec = pod_spec({"source": {"git": git}})
        (source,) = spec["initContainers"]
        assert env(source) == {
            "DSPY_SOURCE_KIND": "git",
            "DSPY_SOURCE_URL": "https://git.example.com/x",
            "DSPY_SOURCE_REF": "v1",
            "DSPY_SOURCE_SECRET": "login",
        }
        volume = next(item for item in spec["volumes"] if item["name"] == "git-secret")
        assert volume["secret"]["optional"] is True
        assert "git-secret" not in [mount["name"] for mount in spec["containers"][0]["volumeMounts"]]

    def test_a_claim_is_used_in_place(self) -> None:
        spec = pod_spec({"source": {"pvc": {"claimName": "code"}}})
        mounts = {mount["mountPath"]: mount["name"] for mount in spec["containers"][0]["volumeMounts"]}
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        claim = volumes[mounts["/workspace/source"]]["persistentVolumeClaim"]
        assert claim == {"claimName": "code"}
        assert ("PersistentVolumeClaim", "workspace") not in children(
            {"source": {"pvc": {"claimName": "code"}}}
        )

    def test_empty(self) -> None:
        assert env(pod_spec({})["initContainers"][0]) == {"DSPY_SOURCE_KIND": "empty"}


def test_agents_whose_topics_have_one_prefix_learn_as_one_workspace() -> None:
    def name(spec: dict[str, Any]) -> object:
        return children(spec)["ConfigMap", "agent"].body["data"]["DSPY_AGENT_WORKSPACE_NAME"]

    kafka = {"kafka": {"bootstrapServers": "kafka:9092"}}
    assert name({}) == name({"streaming": kafka}) == "team.demo"
    assert name({"streaming": {**kafka, "topicPrefix": "shared.shop."}}) == "shared.shop"
    assert name({"streaming": {**kafka, "topicPrefix": ""}}) == "team.demo"


class TestModel:
    def test_ollama(self) -> None:
        found = children(OLLAMA)
        data = found["ConfigMap", "agent"].body["data"]
        assert data["USE_OLLAMA"] == "true"
        assert data["OLLAMA_HOST"] == "http://demo-model.team.svc.cluster.local:11434"
        assert data["OLLAMA_MODEL"] == "models:5000/library/q:1"
        server, puller = found["Deployment", "model"].body["spec"]["template"]["spec"]["containers"]
        assert env(puller)["DSPY_MODEL"] == "http://models:5000/library/q:1"
        assert env(puller)["DSPY_MODEL_INSECURE"] == "true"
        assert server["image"] == SETTINGS.ollama_image

    def test_the_key_of_a_remote_model_stays_in_its_secret(self) -> None:
        remote = {"baseURL": "https://m.example.com/v1", "model": "m", "apiKeySecretRef": {"name": "llm"}}
        found = children({"model": {"openAICompatible": remote}})
        data = found["ConfigMap", "agent"].body["data"]
        assert (data["OPENAI_BASE_URL"], data["MODEL_NAME"]) == ("https://m.example.com/v1", "m")
        assert "OPENAI_API_KEY" not in data
        (key,) = found["StatefulSet", "agent"].body["spec"]["template"]["spec"]["containers"][0]["env"]
        assert key["valueFrom"] == {"secretKeyRef": {"name": "llm", "key": "api-key"}}

    def test_a_new_environment_rolls_the_pods(self) -> None:
        def checksum(spec: dict[str, Any]) -> str:
            template = children(spec)["StatefulSet", "agent"].body["spec"]["template"]
            return str(template["metadata"]["annotations"]["dspy.dev/config"])

        assert checksum({}) != checksum(OLLAMA)
        assert checksum({}) == checksum({"agent": {"replicas": 3}})


class TestSuspended:
    def test_no_pods_and_all_else_as_before(self) -> None:
        running, asleep = children(OLLAMA), children({**OLLAMA, "operatingMode": "Suspended"})
        assert running.keys() == asleep.keys()
        for key in (("StatefulSet", "agent"), ("Deployment", "model")):
            assert running[key].body["spec"]["replicas"] == 1
            assert asleep[key].body["spec"]["replicas"] == 0
            assert running[key].body["spec"]["template"] == asleep[key].body["spec"]["template"]


class TestMarks:
    def marks(self, key: str, settings: Settings = SETTINGS, **meta: Any) -> str:
        found = children({}, settings=settings, **meta)["StatefulSet", "agent"]
        return str(found.body["metadata"]["annotations"][f"dspy.dev/{key}"])

    def test_rendered_for(self) -> None:
        assert self.marks("rendered-for", generation=4) == "4"
        assert self.marks("rendered-for", annotations={"dspy.dev/refresh": "x"}) == "1/x"
        idle = {"lifecycle": {"idleTimeoutSeconds": 60}}
        child = children(idle, facts(4000))["StatefulSet", "agent"]
        assert child.body["metadata"]["annotations"]["dspy.dev/rendered-for"] == "1/suspended"

    def test_rendered_is_the_same_for_the_same(self) -> None:
        assert self.marks("rendered") == self.marks("rendered", generation=9)
        assert self.marks("rendered") != self.marks("rendered", Settings(agent_image="other:1"))

    def test_rendered_by_tells_settings_that_shape_children(self) -> None:
        assert self.marks("rendered-by", Settings(workers=3)) == self.marks("rendered-by")
        assert self.marks("rendered-by", Settings(agent_image="other:1")) != self.marks("rendered-by")


def test_user_variables_win_over_ours() -> None:
    remote = {"baseURL": "https://m.example.com/v1", "model": "m", "apiKeySecretRef": {"name": "llm"}}
    spec = {
        "model": {"openAICompatible": remote},
        "agent": {"env": [{"name": "OPENAI_API_KEY", "value": "x"}]},
    }
    assert pod_spec(spec)["containers"][0]["env"] == [{"name": "OPENAI_API_KEY", "value": "x"}]


def test_the_table_of_fields_is_whole() -> None:
    for kind in ("AgentWorkspace", "RLTrainingJob"):
        for field in fields(kind):
            if field.leaf and field.schema.get("type") != "object":
                assert field.entry
    assert minimal("AgentWorkspace", {"required": []}, "spec") == {}
