"""Rules that span fields or time, defaults, names and columns, by a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.api import training_job, workspace
from dspy_operator.kube.client import KubeClient
from dspy_operator.kube.errors import Invalid
from tests.operator.spec_fields import fields, minimal

from .test_spec_fields import Specs
from .world import Admin

PPO: dict[str, Any] = {"workspaceRef": {"name": "demo"}, "algorithm": {"ppo": {}}}


@pytest.fixture
def workspaces(admin: KubeClient, namespace: str) -> Specs:
    return Specs(admin, namespace, "AgentWorkspace")


@pytest.fixture
def jobs(admin: KubeClient, namespace: str) -> Specs:
    return Specs(admin, namespace, "RLTrainingJob")


async def test_an_empty_spec_gets_the_defaults_that_the_operator_assumes(workspaces: Specs) -> None:
    live = await workspaces.create({})
    bare = workspace.parse({**live, "spec": {}})
    assert workspace.parse(live).spec == bare.spec
    assert live["spec"]["storage"]["size"] == "10Gi"
    assert live["spec"]["progressDeadlineSeconds"] == 600


@pytest.mark.parametrize("member", ["source", "model", "vectorStore"])
async def test_a_union_can_be_set_changed_and_left_out_again(
    workspaces: Specs, admin: Admin, member: str
) -> None:
    """As `kubectl apply` does it: what is left out is merged with what is there."""
    union = next(item for item in fields("AgentWorkspace") if item.path == f"spec.{member}")
    choices = [minimal(union.kind, union.schema, union.path, name) for name in union.union]
    live = await workspaces.create({})
    path = f"{workspaces.path}/{live['metadata']['name']}"
    body = {
        "apiVersion": live["apiVersion"],
        "kind": live["kind"],
        "metadata": {"name": live["metadata"]["name"]},
    }
    assert member not in live["spec"]
    for choice in choices:
        live = await admin.apply(path, {**body, "spec": {member: choice}}, force=True)
        assert list(live["spec"][member]) == list(choice)
        live = await admin.apply(path, {**body, "spec": {}}, force=True)
        assert member not in live["spec"]
        live = await admin.edit(path, {"spec": {member: choice}})
        live = await admin.edit(path, {"spec": {member: None}})
        assert member not in live["spec"]


async def test_a_job_gets_the_defaults_that_the_operator_assumes(jobs: Specs) -> None:
    live = await jobs.create(PPO)
    assert training_job.parse(live).spec == training_job.parse({**live, "spec": PPO}).spec
    assert live["spec"]["backoffLimit"] == 3
    assert live["spec"]["preRunningDeadlineSeconds"] == 900


async def test_volumes_only_grow(workspaces: Specs) -> None:
    def spec(size: str, models: str) -> dict[str, Any]:
        return {
            "storage": {"size": size},
            "model": {"ollama": {"model": "m", "storage": {"size": models}}},
        }

    live = await workspaces.create(spec("1Gi", "2Gi"))
    for smaller in (spec("1000Mi", "2Gi"), spec("1Gi", "1Gi")):
        assert "may only grow" in await workspaces.refusal(live, smaller)
    live = await workspaces.replace(live, spec("1024Mi", "2Gi"))
    live = await workspaces.replace(live, spec("2Gi", "3Gi"))
    assert live["spec"]["storage"]["size"] == "2Gi"


async def test_the_workspace_of_a_job_can_not_be_changed(jobs: Specs) -> None:
    live = await jobs.create(PPO)
    message = await jobs.refusal(live, {**PPO, "workspaceRef": {"name": "other"}})
    assert "workspaceRef can't be changed" in message


@pytest.mark.parametrize(
    ("group", "words"),
    [
        ({"name": "a", "replicas": 1, "minReplicas": 2}, "minReplicas must not exceed replicas"),
        ({"name": "a", "replicas": 3, "maxReplicas": 2}, "maxReplicas must not be below replicas"),
    ],
)
async def test_bounds_of_ray_workers(jobs: Specs, group: dict[str, Any], words: str) -> None:
    live = await jobs.create(PPO)
    assert words in await jobs.refusal(live, {**PPO, "ray": {"workers": [group]}})


async def test_minibatches_fit_the_batch(jobs: Specs) -> None:
    live = await jobs.create(PPO)
    ppo = {"numEnvs": 1, "horizon": 2, "minibatches": 3}
    assert "minibatches must not exceed" in await jobs.refusal(live, {**PPO, "algorithm": {"ppo": ppo}})


async def test_names_in_lists_are_unique(workspaces: Specs, jobs: Specs) -> None:
    live = await workspaces.create({})
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    assert "Duplicate value" in await workspaces.refusal(live, {"agent": {"env": twice}})


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://me:secret@git.example.com/x", "must not hold a password"),
        ("/srv/git/x", "must be an https://"),
    ],
)
async def test_git_urls(workspaces: Specs, url: str, words: str) -> None:
    live = await workspaces.create({"source": {"git": {"url": "git@git.example.com:team/x.git"}}})
    assert words in await workspaces.refusal(live, {"source": {"git": {"url": url}}})


async def test_ports_of_an_egress_rule(workspaces: Specs) -> None:
    live = await workspaces.create({})
    for port, words in (
        ({"endPort": 5}, "endPort needs port"),
        ({"port": 9, "endPort": 5}, "endPort must not"),
    ):
        spec = {"networkPolicy": {"egress": [{"ports": [port]}]}}
        assert words in await workspaces.refusal(live, spec)
    both = {"networkPolicy": {"egress": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}, "podSelector": {}}]}]}}
    assert "either ipBlock or selectors" in await workspaces.refusal(live, both)


@pytest.mark.parametrize(
    ("name", "words"),
    [("a" * 41, "longer than 40"), ("1a", "must start with a letter"), ("a.b", "must start")],
)
async def test_names(workspaces: Specs, name: str, words: str) -> None:
    with pytest.raises(Invalid, match=words):
        await workspaces.create({}, name)
    await workspaces.create({}, "a" * 40)


async def test_the_scale_subresource_sets_the_replicas(workspaces: Specs) -> None:
    live = await workspaces.create({})
    path = f"{workspaces.path}/{live['metadata']['name']}"
    scale = await workspaces.admin.get(f"{path}/scale")
    assert scale["spec"]["replicas"] == 1
    await workspaces.admin.replace(f"{path}/scale", {**scale, "spec": {"replicas": 3}})
    assert (await workspaces.admin.get(path))["spec"]["agent"]["replicas"] == 3


async def test_names_columns_and_category(admin: KubeClient, namespace: str) -> None:
    found = (await admin.get("/apis/dspy.dev/v1alpha1"))["resources"]
    by_name = {item["name"]: item for item in found}
    assert by_name["agentworkspaces"]["shortNames"] == ["agws"]
    assert by_name["rltrainingjobs"]["shortNames"] == ["rljob"]
    assert all(by_name[name]["categories"] == ["dspy"] for name in ("agentworkspaces", "rltrainingjobs"))
    assert {"agentworkspaces/status", "agentworkspaces/scale", "rltrainingjobs/status"} <= by_name.keys()
