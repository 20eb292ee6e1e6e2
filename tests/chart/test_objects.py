"""What the chart makes: as few rights as the operator needs, restricted pods, CRDs that outlive it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dspy_operator.children import ALL_KINDS, OPTIONAL_KINDS
from dspy_operator.settings import Settings

from .conftest import Render, Rendered
from .matrix import MATRIX

NAMESPACED = MATRIX["namespaced"]


def of_kind(things: Rendered, *kinds: str) -> Rendered:
    return [thing for thing in things if thing["kind"] in kinds]


def pods(things: Rendered) -> Iterator[dict[str, Any]]:
    for thing in things:
        if thing["kind"] == "Pod":
            yield thing["spec"]
        elif thing["kind"] == "Deployment":
            yield thing["spec"]["template"]["spec"]


def operator_rules(things: Rendered) -> list[dict[str, Any]]:
    """Rules of the roles that are bound to the operator's ServiceAccount."""
    roles = {(x["kind"], x["metadata"].get("namespace"), x["metadata"]["name"]): x for x in things}
    bound = [
        roles[(b["roleRef"]["kind"], b["metadata"].get("namespace"), b["roleRef"]["name"])]
        for b in of_kind(things, "ClusterRoleBinding", "RoleBinding")
    ]
    return [rule for role in bound for rule in role["rules"]]


@pytest.mark.parametrize("sets", MATRIX.values(), ids=MATRIX)
def test_pods_are_restricted(render: Render, sets: tuple[str, ...]) -> None:
    for pod in pods(render(*sets)):
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert pod["enableServiceLinks"] is False
        for container in pod["containers"]:
            security = container["securityContext"]
            assert security["allowPrivilegeEscalation"] is False
            assert security["readOnlyRootFilesystem"] is True
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert container["resources"]["limits"]["memory"]


@pytest.mark.parametrize("sets", [(), NAMESPACED], ids=["cluster", "namespaced"])
def test_operator_has_no_more_rights_than_it_needs(render: Render, sets: tuple[str, ...]) -> None:
    rules = operator_rules(render(*sets))
    assert rules
    for rule in rules:
        assert "*" not in rule["verbs"] + rule["resources"] + rule["apiGroups"]
        assert not {"secrets", "pods/exec", "pods/attach", "roles", "nodes"} & set(rule["resources"])
        assert not {"escalate", "bind", "impersonate", "deletecollection"} & set(rule["verbs"])
    by_resource = {name: set(rule["verbs"]) for rule in rules for name in rule["resources"]}
    assert by_resource["agentworkspaces"] == {"get", "list", "watch", "delete"}
    assert by_resource["pods"] == {"get", "list", "watch"}
    assert by_resource["pods/log"] == {"get"}


def test_operator_may_keep_each_kind_of_child(render: Render) -> None:
    granted = {
        (group, name): set(rule["verbs"])
        for rule in operator_rules(render())
        for group in rule["apiGroups"]
        for name in rule["resources"]
    }
    for kind in (*ALL_KINDS, *OPTIONAL_KINDS):
        group = kind.api_version.rpartition("/")[0]
        assert granted[group, kind.plural] == {"get", "list", "watch", "create", "patch", "delete"}


def test_namespaced_scope_makes_nothing_cluster_wide(render: Render) -> None:
    things = render(*NAMESPACED, "crds.install=false")
    assert not [x["kind"] for x in things if x["kind"].startswith("Cluster")]
    spaces = {x["metadata"]["namespace"] for x in of_kind(things, "Role")}
    assert spaces == {"team-a", "team-b", "dspy-system"}
    assert {
        rule["resources"][0]
        for role in of_kind(things, "Role")
        if role["metadata"]["namespace"] == "dspy-system"
        for rule in role["rules"]
    } == {"leases"}


def test_crds_are_kept_on_uninstall(render: Render) -> None:
    crds = of_kind(render(), "CustomResourceDefinition")
    assert {x["spec"]["names"]["plural"] for x in crds} == {"agentworkspaces", "rltrainingjobs"}
    assert all(x["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep" for x in crds)
    assert not of_kind(render("crds.install=false"), "CustomResourceDefinition")


def settings_of(things: Rendered) -> Settings:
    (deployment,) = of_kind(things, "Deployment")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    environment = {variable["name"]: variable["value"] for variable in container["env"]}
    known = {f"DSPY_OPERATOR_{name.upper()}" for name in Settings.__slots__}
    assert set(environment) <= known
    return Settings.from_environment(environment)


def test_values_arrive_in_the_operator(render: Render) -> None:
    settings = settings_of(
        render(*NAMESPACED, *MATRIX["own registry"], *MATRIX["other DNS"], *MATRIX["tuned"])
    )
    assert settings.agent_image == "registry.example.com/agent:1.2.3"
    assert settings.ollama_image == "registry.example.com/ollama:1"
    assert settings.spark_image == "registry.example.com/spark:1"
    assert settings.image_pull_policy == "Never"
    assert settings.namespaces == ("team-a", "team-b")
    assert settings.dns_namespace == "dns"
    assert settings.cluster_domain == "corp.internal"
    assert (settings.resync_seconds, settings.workers) == (60, 16)
    assert settings.operator_namespace == "dspy-system"


def test_lease_is_one_that_the_operator_may_take(render: Render) -> None:
    things = render()
    (rule,) = [r for r in operator_rules(things) if r["resources"] == ["leases"] and "resourceNames" in r]
    assert rule["resourceNames"] == [settings_of(things).lease_name]


def test_service_monitor_needs_its_api(render: Render) -> None:
    on = "metrics.serviceMonitor.enabled=true"
    assert not of_kind(render(on), "ServiceMonitor")
    api = ("--api-versions", "monitoring.coreos.com/v1/ServiceMonitor")
    (monitor,) = of_kind(
        render(on, "metrics.serviceMonitor.labels.release=prom", extra=api), "ServiceMonitor"
    )
    (service,) = of_kind(render(), "Service")
    assert monitor["metadata"]["labels"]["release"] == "prom"
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert monitor["spec"]["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


def test_user_roles_join_those_of_kubernetes(render: Render) -> None:
    roles = {x["metadata"]["name"]: x for x in of_kind(render(), "ClusterRole")}
    labels = {name: set(role["metadata"]["labels"]) for name, role in roles.items()}
    assert "rbac.authorization.k8s.io/aggregate-to-view" in labels["dspy-agent-view"]
    assert "rbac.authorization.k8s.io/aggregate-to-edit" in labels["dspy-agent-edit"]
    for rule in roles["dspy-agent-view"]["rules"]:
        assert set(rule["verbs"]) == {"get", "list", "watch"}
