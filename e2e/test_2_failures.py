"""What goes wrong is told within a minute by a reason of its own; mending the spec mends the workspace."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from .kit import gitserver, workspace
from .kit.agent import Agent
from .kit.cluster import Cluster, Object
from .kit.shell import Failed

SECRETS = {
    "right": gitserver.CREDENTIALS,
    "wrong": gitserver.CREDENTIALS | {"password": "battery-staple"},
}
# A volume on the node that is too small, and one that can't be written: class name to mount options.
DISKS = {"e2e-small": "size=48k,mode=0777", "e2e-read-only": "size=1m,mode=0777,ro"}


@dataclass(frozen=True, slots=True)
class Case:
    """A spec, and the condition that tells what is wrong with it."""

    condition: str
    reason: str
    spec: Object = field(default_factory=dict)
    says: str = ""


def disk(name: str) -> Object:
    return {
        "source": workspace.git(),
        "storage": {"size": "64Mi", "storageClassName": name, "accessModes": ["ReadWriteOnce"]},
    }


CASES = {
    "unknown-ref": Case("AgentReady", "RefNotFound", {"source": workspace.git("no-such-ref")}, "no-such-ref"),
    "no-such-repo": Case(
        "AgentReady", "RepositoryNotFound", {"source": workspace.git(url=f"{gitserver.URL}/nothing.git")}
    ),
    "no-such-host": Case(
        "AgentReady",
        "RepositoryUnreachable",
        {"source": workspace.git(url="http://nobody.e2e-git.svc.cluster.local:8080/public.git")},
    ),
    "no-secret": Case("AgentReady", "AuthenticationFailed", {"source": workspace.git(url=gitserver.PRIVATE)}),
    "wrong-secret": Case(
        "AgentReady",
        "AuthenticationFailed",
        {"source": workspace.git(url=gitserver.PRIVATE, secretRef={"name": "wrong"})},
    ),
    "no-such-image": Case(
        "AgentReady",
        "ImagePullFailed",
        {"source": {"empty": {}}, "agent": {"image": "registry.invalid/nothing:1"}},
        "registry.invalid/nothing:1",
    ),
    "no-such-class": Case(
        "StorageReady",
        "StorageClassNotFound",
        {"source": {"empty": {}}, "storage": {"size": "64Mi", "storageClassName": "no-such-class"}},
        "no-such-class",
    ),
    "disk-full": Case("AgentReady", "DiskFull", disk("e2e-small")),
    "disk-read-only": Case("AgentReady", "ReadOnlyFilesystem", disk("e2e-read-only")),
}


@pytest.fixture(scope="module")
def disks(agent: Agent) -> Iterator[None]:
    """Two odd volumes on the node, each claimed by its storage class."""
    cluster = agent.cluster
    for name, options in DISKS.items():
        path = f"/var/{name}"
        cluster.node("sh", "-c", f"mkdir -p {path} && mount -t tmpfs -o {options} {name} {path}")
        cluster.apply(
            {
                "apiVersion": "storage.k8s.io/v1",
                "kind": "StorageClass",
                "metadata": {"name": name},
                "provisioner": "kubernetes.io/no-provisioner",
            },
            {
                "apiVersion": "v1",
                "kind": "PersistentVolume",
                "metadata": {"name": name},
                "spec": {
                    "capacity": {"storage": "64Mi"},
                    "accessModes": ["ReadWriteOnce"],
                    "storageClassName": name,
                    "hostPath": {"path": path},
                },
            },
        )
    yield
    cluster.kubectl("delete", "agentworkspaces", "--all", "-n", agent.namespace, "--timeout=60s", timeout=70)
    for name in DISKS:
        cluster.kubectl("delete", "pv,storageclass", name, "--wait=false")
        cluster.node("sh", "-c", f"umount -l /var/{name} && rmdir /var/{name}")


@pytest.fixture(scope="module", autouse=True)
def applied(agent: Agent, git: str, disks: None) -> None:
    """All cases at once, as on a busy Monday."""
    secrets = [
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name},
            "data": {k: base64.b64encode(v.encode()).decode() for k, v in values.items()},
        }
        for name, values in SECRETS.items()
    ]
    workspaces = [workspace.manifest(name, **case.spec) for name, case in CASES.items()]
    agent.cluster.apply(*secrets, *workspaces, namespace=agent.namespace)


@pytest.mark.parametrize("name", CASES)
def test_failure_has_its_reason(agent: Agent, name: str) -> None:
    case = CASES[name]
    found = workspace.wait_condition(
        agent.cluster, agent.namespace, name, case.condition, status="False", reason=case.reason, seconds=60
    )
    assert case.says in found["message"]
    ready = workspace.wait_condition(
        agent.cluster, agent.namespace, name, "Ready", status="False", reason=case.reason, seconds=10
    )
    assert ready["message"]


def test_no_secret_is_told(agent: Agent) -> None:
    """Neither a status, nor an event, nor a log of the operator or the pods holds a password."""
    cluster = agent.cluster
    texts = [
        cluster.kubectl("get", "agentworkspaces,events,pods,configmaps", "-n", agent.namespace, "-o", "yaml"),
        cluster.kubectl("logs", "-n", "dspy-system", "deployment/dspy-agent", "--tail=-1"),
        cluster.kubectl(
            "logs",
            "-n",
            agent.namespace,
            "-l",
            "dspy.dev/workspace=wrong-secret",
            "-c",
            "source",
            "--tail=-1",
        ),
    ]
    for text in texts:
        for values in SECRETS.values():
            assert values["password"] not in text


def test_connect_tells_the_reason_at_once(agent: Agent) -> None:
    done = agent.run("connect", "unknown-ref", "--timeout", "5", "--", "true", check=False)
    assert done.returncode == 6
    assert "RefNotFound" in done.stderr


MENDED: dict[str, Object] = {
    "unknown-ref": {"source": workspace.git("next")},
    "wrong-secret": {"source": workspace.git(url=gitserver.PRIVATE, secretRef={"name": "right"})},
    "no-such-image": {"agent": {"image": None}},
    "no-such-class": {"storage": {"storageClassName": None}},
}


def patch(cluster: Cluster, namespace: str, name: str, spec: Object) -> None:
    cluster.kubectl(
        "patch", "agentworkspace", name, "-n", namespace, "--type=merge", "-p", json.dumps({"spec": spec})
    )


@pytest.fixture(scope="module")
def mended(agent: Agent) -> None:
    for name, spec in MENDED.items():
        patch(agent.cluster, agent.namespace, name, spec)


@pytest.mark.parametrize("name", MENDED)
def test_mended_spec_becomes_ready(agent: Agent, mended: None, name: str) -> None:
    workspace.wait_ready(agent.cluster, agent.namespace, name, seconds=120)


def test_bad_spec_is_refused_by_the_api_server(agent: Agent) -> None:
    bad = workspace.manifest("bad", source={"git": {"url": "https://me:secret@example.com/x.git"}})
    with pytest.raises(Failed, match="must not hold a password"):
        agent.cluster.apply(bad, namespace=agent.namespace)
