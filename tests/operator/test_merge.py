"""The user's template on ours: strategic merge, with the operator's own promises kept."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_operator.desired.merge import merge
from tests.operator.build import children, pod_spec

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["containers", "name", "env", "$patch", "volumes", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from(["containers", "volumes", "x", "y"]), JSON, max_size=4)


def template(spec: dict[str, Any]) -> dict[str, Any]:
    return {"agent": {"template": {"spec": spec}}}


@pytest.mark.parametrize(
    ("base", "patch", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": {"b": 1}}, {"a": {"$patch": "replace", "c": 2}}, {"a": {"c": 2}}),
        ({"a": {"b": 1}}, {"a": {"$patch": "delete"}}, {"a": {}}),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": [{"key": "b"}]}, {"tolerations": [{"key": "b"}]}),
        (
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]},
            {"env": [{"name": "b", "valueFrom": {}}, {"name": "c"}]},
            {"env": [{"name": "a", "value": "1"}, {"name": "b", "valueFrom": {}}, {"name": "c"}]},
        ),
        (
            {"containers": [{"name": "a", "image": "x", "tty": True}]},
            {"containers": [{"name": "a", "image": "y"}]},
            {"containers": [{"name": "a", "image": "y", "tty": True}]},
        ),
        (
            {"volumes": [{"name": "t", "emptyDir": {}}]},
            {"volumes": [{"name": "t", "hostPath": {"path": "/x"}}]},
            {"volumes": [{"name": "t", "hostPath": {"path": "/x"}}]},
        ),
        (
            {"containers": [{"name": "a"}, {"name": "b"}]},
            {"containers": [{"name": "a", "$patch": "delete"}]},
            {"containers": [{"name": "b"}]},
        ),
        (
            {"containers": [{"name": "a"}]},
            {"containers": [{"$patch": "replace"}, {"name": "c"}]},
            {"containers": [{"name": "c"}]},
        ),
    ],
)
def test_rules(base: dict[str, Any], patch: dict[str, Any], result: dict[str, Any]) -> None:
    assert merge(base, patch) == result


@given(OBJECTS, OBJECTS)
def test_anything_merges_and_nothing_is_changed(base: dict[str, Any], patch: dict[str, Any]) -> None:
    before = (repr(base), repr(patch))
    merge(base, patch)
    assert (repr(base), repr(patch)) == before


@given(OBJECTS)
def test_an_empty_patch_changes_nothing(base: dict[str, Any]) -> None:
    assert merge(base, {}) == base


def test_the_pod_takes_the_template() -> None:
    spec = pod_spec(
        template(
            {
                "nodeSelector": {"disk": "fast"},
                "containers": [{"name": "agent", "tty": True}, {"name": "side"}],
            }
        )
    )
    assert spec["nodeSelector"] == {"disk": "fast"}
    agent, side = spec["containers"]
    assert agent["tty"] is True
    assert agent["command"]
    assert side["securityContext"]["allowPrivilegeEscalation"] is False


def test_security_is_widened_only_where_it_is_said() -> None:
    spec = pod_spec(
        template({"containers": [{"name": "agent", "securityContext": {"readOnlyRootFilesystem": False}}]})
    )
    closed = spec["containers"][0]["securityContext"]
    assert closed["readOnlyRootFilesystem"] is False
    assert closed["capabilities"] == {"drop": ["ALL"]}


def test_our_labels_win() -> None:
    labels = {"dspy.dev/workspace": "other", "dspy.dev/component": "x", "team": "blue"}
    metadata = {"labels": labels, "annotations": {"note": "1", "dspy.dev/config": "0"}}
    body = children({"agent": {"template": {"metadata": metadata}}})["StatefulSet", "agent"].body["spec"]
    found = body["template"]["metadata"]
    assert found["labels"]["team"] == "blue"
    assert body["selector"]["matchLabels"].items() <= found["labels"].items()
    assert found["annotations"]["note"] == "1"
    assert found["annotations"]["dspy.dev/config"] != "0"
