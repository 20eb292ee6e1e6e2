"""matches(): blind to what the API server adds, rewrites or drops, sharp for everything else."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_operator.compare import matches
from tests.operator.build import children

SPECS: list[dict[str, Any]] = [
    {},
    {"model": {"ollama": {"model": "m"}}, "source": {"git": {"url": "https://git.example.com/x"}}},
    {"source": {"pvc": {"claimName": "c"}}, "agent": {"env": [{"name": "A", "value": "1"}]}},
]
BODIES = [child.body for spec in SPECS for child in children(spec).values()]


def filled(value: Any) -> Any:
    """What an API server makes of it: more fields everywhere, empty ones dropped."""
    if isinstance(value, dict):
        kept = {key: filled(item) for key, item in value.items() if item not in ("", [], None)}
        return kept | {"serverDefault": "x"}
    if isinstance(value, list):
        return [filled(item) for item in value]
    return value


@pytest.mark.parametrize("body", BODIES, ids=lambda body: f"{body['kind']}-{body['metadata']['name']}")
def test_a_child_matches_itself_with_defaults(body: dict[str, Any]) -> None:
    assert matches(body, body)
    assert matches(body, filled(body))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [found for key, item in value.items() for found in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [found for index, item in enumerate(value) for found in leaves(item, (*path, index))]
    return [path]


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        value = value[step]
    return value


@given(st.sampled_from(BODIES), st.data())
def test_any_changed_or_removed_value_is_found(body: dict[str, Any], data: st.DataObject) -> None:
    path = data.draw(st.sampled_from([p for p in leaves(body) if at(body, p) != ""]))
    live = copy.deepcopy(body)
    holder = at(live, path[:-1])
    old = holder[path[-1]]
    if data.draw(st.booleans()):
        holder[path[-1]] = (
            (not old) if isinstance(old, bool) else old + 1 if isinstance(old, int) else f"{old}x"
        )
    else:
        del holder[path[-1]]
    assert not matches(body, live)


@pytest.mark.parametrize(
    ("wanted", "found", "same"),
    [
        ({"limits": {"cpu": "0.5"}}, {"limits": {"cpu": "500m"}}, True),
        ({"limits": {"memory": "1Gi"}}, {"limits": {"memory": "1024Mi", "cpu": "1"}}, True),
        ({"limits": {"cpu": 1}}, {"limits": {"cpu": "1"}}, True),
        ({"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}, False),
        ({"value": "0.5"}, {"value": "500m"}, False),
        ({"hostNetwork": False}, {}, True),
        ({"automountServiceAccountToken": False}, {}, False),
        ({"replicas": 0}, {}, False),
        ({"value": ""}, {}, True),
        ({"affinity": {}}, {}, True),
        ({"optional": True}, {"optional": 1}, False),
        ({"env": [{"name": "a"}]}, {"env": [{"name": "b"}, {"name": "a"}]}, True),
        ({"env": [{"name": "a"}]}, {"env": [{"name": "b"}]}, False),
        ({"ports": [{"port": 53, "protocol": "UDP"}]}, {"ports": [{"port": 53, "protocol": "TCP"}]}, False),
        (
            {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]},
            {"ports": [{"port": 53, "protocol": "UDP"}]},
            False,
        ),
        ({"ingress": []}, {}, True),
        ({"ingress": []}, {"ingress": [{}]}, False),
        ({"command": ["a", "b"]}, {"command": ["b", "a"]}, False),
        ({"spec": {"a": 1}}, {"spec": None}, False),
        ({"spec": {"a": 1}}, {"spec": "x"}, False),
    ],
)
def test_rules(wanted: dict[str, Any], found: dict[str, Any], same: bool) -> None:
    assert matches(wanted, found) is same
