"""Ways out: only DNS, the source, the model, and what the spec names."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dspy_operator.desired.network import registry_url, rules_for
from tests.operator.build import children

OWN: dict[str, Any] = {"to": [{"podSelector": {}}]}


def namespace(name: str) -> dict[str, Any]:
    return {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}]}


def port(number: int) -> dict[str, Any]:
    return {"ports": [{"protocol": "TCP", "port": number}]}


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        ("https://git.example.com/x", [port(443)]),
        ("http://git.example.com:8080/x", [port(8080)]),
        ("ssh://git@git.example.com/x", [port(22)]),
        ("git@git.example.com:team/x.git", [port(22)]),
        ("git://git.example.com/x", [port(9418)]),
        ("http://git/x", [OWN, port(80)]),
        ("http://git.infra/x", [namespace("infra"), port(80)]),
        ("http://git.infra.svc/x", [namespace("infra")]),
        ("http://git.infra.svc.cluster.local:8080/x", [namespace("infra")]),
        ("http://10.1.2.3:3000/x", [{"to": [{"ipBlock": {"cidr": "10.1.2.3/32"}}], **port(3000)}]),
        ("http://[fd00::1]/x", [{"to": [{"ipBlock": {"cidr": "fd00::1/128"}}], **port(80)}]),
    ],
)
def test_hosts(url: str, rules: list[dict[str, Any]]) -> None:
    assert rules_for(url, "cluster.local") == rules


@given(st.text(max_size=40))
@example("[x")
@example("a:99999/")
def test_any_text_gives_rules(text: str) -> None:
    assert rules_for(f"https://{text}", "cluster.local")


@pytest.mark.parametrize(
    ("model", "url"),
    [
        ("qwen3:1.7b", "https://registry.ollama.ai"),
        ("team/model:1", "https://registry.ollama.ai"),
        ("hf.co/team/model", "https://hf.co"),
        ("http://models:5000/library/m:1", "http://models:5000"),
        ("models:5000/library/m:1", "https://models:5000"),
    ],
)
def test_registries(model: str, url: str) -> None:
    assert registry_url(model) == url


def policy(spec: dict[str, Any], end: str = "agent") -> dict[str, Any]:
    found: dict[str, Any] = children(spec)["NetworkPolicy", end].body["spec"]
    return found


def test_the_agent_lets_nobody_in() -> None:
    found = policy({})
    assert found["policyTypes"] == ["Ingress", "Egress"]
    assert found["ingress"] == []
    assert len(found["egress"]) == 1  # DNS


def test_the_model_lets_only_its_own_agent_in() -> None:
    found = policy({"model": {"ollama": {"model": "m"}}}, "model")
    (way,) = found["ingress"]
    assert way["from"] == [
        {"podSelector": {"matchLabels": {"dspy.dev/workspace": "demo", "dspy.dev/component": "agent"}}}
    ]
    assert way["ports"] == [{"protocol": "TCP", "port": 11434}]


def test_what_the_spec_names_is_open() -> None:
    egress = [
        {"to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}], "ports": [{"port": 5432}]}
    ]
    found = policy({"networkPolicy": {"egress": egress}})["egress"][-1]
    assert found["to"] == egress[0]["to"]
    assert found["ports"] == [{"protocol": "TCP", "port": 5432}]


def test_unmanaged_means_none() -> None:
    spec = {"networkPolicy": {"management": "Unmanaged"}, "model": {"ollama": {"model": "m"}}}
    assert not [key for key in children(spec) if key[0] == "NetworkPolicy"]
