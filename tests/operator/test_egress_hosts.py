"""Which hosts of a URL get which egress rules."""

from __future__ import annotations

import pytest

from dspy_operator.desired.network import rules_for

OUTSIDE = {"ports": [{"protocol": "TCP", "port": 5000}]}
OWN_NAMESPACE = {"to": [{"podSelector": {}}]}


def namespace(name: str) -> dict[str, object]:
    labels = {"kubernetes.io/metadata.name": name}
    return {"to": [{"namespaceSelector": {"matchLabels": labels}}]}


@pytest.mark.parametrize(
    ("url", "rules"),
    [
        pytest.param(
            "http://models:5000/x", [OWN_NAMESPACE, OUTSIDE], id="Service or host of the nodes' domain"
        ),
        pytest.param("http://git.team-a:5000/x", [namespace("team-a"), OUTSIDE], id="Service or domain"),
        pytest.param("http://git.team-a.svc:5000/x", [namespace("team-a")], id="Service"),
        pytest.param(
            "http://git.team-a.svc.cluster.local:5000/x", [namespace("team-a")], id="Service in full"
        ),
        pytest.param("http://git.example.com:5000/x", [OUTSIDE], id="domain"),
    ],
)
def test_rules_for_host(url: str, rules: list[object]) -> None:
    assert rules_for(url, "cluster.local") == rules
