"""The chart's life: its test, an upgrade that restarts no agent, an uninstall that loses nothing."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import yaml

from .kit import release, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, wait_for

NAME = "steady"
KEPT = "kept"


@pytest.fixture(scope="module", autouse=True)
def ready(agent: Agent, git: str) -> None:
    agent.cluster.apply(
        workspace.manifest(NAME, source=workspace.git()),
        workspace.manifest(KEPT, source={"empty": {}}, storage={"size": "64Mi", "retainPolicy": "Retain"}),
        namespace=agent.namespace,
    )
    for name in (NAME, KEPT):
        workspace.wait_ready(agent.cluster, agent.namespace, name)


def operator_image(cluster: Cluster) -> str:
    found = cluster.get("deployment", release.NAME, release.NAMESPACE)
    assert found
    return json.dumps(found["spec"]["template"]["spec"]["containers"][0]["env"])


def test_helm_test(operator: Cluster) -> None:
    said = release.helm(operator, "test", release.NAME, "--timeout", "2m")
    assert "Succeeded" in said
    assert not operator.get("pod", f"{release.NAME}-test", release.NAMESPACE), (
        "nothing is left of a good test"
    )


def test_metrics_and_health_are_served(operator: Cluster) -> None:
    path = f"/api/v1/namespaces/{release.NAMESPACE}/services/{release.NAME}-metrics:http/proxy"
    assert operator.kubectl("get", "--raw", f"{path}/healthz")
    assert "reconcile" in operator.kubectl("get", "--raw", f"{path}/metrics")


def test_upgrade_restarts_no_agent(agent: Agent) -> None:
    before = {name: workspace.pod_uids(agent.cluster, agent.namespace, name) for name in (NAME, KEPT)}
    operator_before = operator_image(agent.cluster)
    release.install(
        agent.cluster, "workspaces.agentImage=dspy-agent/agent:next", "replicas=2", "resyncSeconds=30"
    )
    assert operator_image(agent.cluster) != operator_before

    # The new operator has looked at both once it has repaired something.
    for name in (NAME, KEPT):
        child = f"{name}-agent"
        agent.cluster.kubectl("delete", "service", child, "-n", agent.namespace)
        wait_for(partial(agent.cluster.get, "service", child, agent.namespace), 60, f"{child} again")
    after = {name: workspace.pod_uids(agent.cluster, agent.namespace, name) for name in (NAME, KEPT)}
    assert after == before
    release.install(agent.cluster)


def as_user(agent: Agent, role: str, folder: Path) -> Agent:
    """The command line of somebody who has this role in the namespace, and no other."""
    cluster, name = agent.cluster, f"user-{role}"
    space = ("-n", agent.namespace)
    cluster.kubectl("create", "serviceaccount", name, *space)
    cluster.kubectl(
        "create",
        "rolebinding",
        name,
        f"--clusterrole={role}",
        f"--serviceaccount={agent.namespace}:{name}",
        *space,
    )
    token = cluster.kubectl("create", "token", name, *space).strip()
    config = yaml.safe_load(cluster.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    path = folder / name
    path.write_text(yaml.safe_dump(config))
    path.chmod(0o600)
    return Agent(replace(cluster, kubeconfig=path), agent.namespace)


def test_roles_for_people(agent: Agent, tmp_path: Path) -> None:
    developer = as_user(agent, "dspy-agent-connect", tmp_path)
    assert developer.inside(NAME, "echo", "in").stdout == "in\n"
    developer.run("suspend", NAME)
    developer.run("resume", NAME, "--wait")

    onlooker = as_user(agent, "dspy-agent-view", tmp_path)
    assert NAME in onlooker.run("workspaces").stdout
    refused = onlooker.run("connect", NAME, "--", "true", check=False)
    assert refused.returncode == 6
    assert "pods" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_namespaced_scope_works_with_roles_only(agent: Agent) -> None:
    before = workspace.pod_uids(agent.cluster, agent.namespace, NAME)
    release.install(agent.cluster, "scope.mode=namespaced", f"scope.namespaces={{{agent.namespace}}}")
    assert not agent.cluster.get("clusterrole", release.NAME)
    agent.cluster.kubectl("delete", "service", f"{NAME}-agent", "-n", agent.namespace)
    wait_for(lambda: agent.cluster.get("service", f"{NAME}-agent", agent.namespace), 60, "the Service again")
    assert "Succeeded" in release.helm(agent.cluster, "test", release.NAME, "--timeout", "2m")
    assert workspace.pod_uids(agent.cluster, agent.namespace, NAME) == before
    release.install(agent.cluster)


def test_uninstall_keeps_workspaces_and_install_takes_them_up_again(agent: Agent) -> None:
    before = workspace.pod_uids(agent.cluster, agent.namespace, NAME)
    release.uninstall(agent.cluster)
    for name in release.CRDS:
        assert agent.cluster.get("crd", name), f"{name} must outlive the release"
    assert workspace.pod_uids(agent.cluster, agent.namespace, NAME) == before
    assert agent.inside(NAME, "dspy-agent", "tree").stdout

    release.helm(agent.cluster, "install", release.NAME, str(release.CHART), "--wait", "--timeout", "3m")
    agent.cluster.kubectl("delete", "service", f"{NAME}-agent", "-n", agent.namespace)
    wait_for(lambda: agent.cluster.get("service", f"{NAME}-agent", agent.namespace), 60, "the Service again")
    assert workspace.pod_uids(agent.cluster, agent.namespace, NAME) == before


def test_retained_claim_outlives_its_workspace_and_is_taken_up_again(agent: Agent) -> None:
    agent.inside(KEPT, "sh", "-c", "echo treasure > /workspace/source/chest")
    agent.cluster.kubectl(
        "delete", "agentworkspace", KEPT, "-n", agent.namespace, "--timeout=60s", timeout=70
    )

    def left() -> list[str]:
        return [x["kind"] for x in workspace.children(agent.cluster, agent.namespace, KEPT)]

    wait_for(lambda: left() == ["PersistentVolumeClaim"], 90, lambda: f"left are {left()}")
    again = workspace.manifest(KEPT, source={"empty": {}}, storage={"size": "64Mi"})
    agent.cluster.apply(again, namespace=agent.namespace)
    workspace.wait_ready(agent.cluster, agent.namespace, KEPT)
    assert agent.inside(KEPT, "cat", "chest").stdout == "treasure\n"
