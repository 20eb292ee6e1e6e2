"""Every field of both specs against a real API server: accepted, refused with clear words, defaulted."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dspy_agent_core.contracts.cluster import API_VERSION
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Invalid
from tests.operator.spec_fields import SCHEMAS, Field, fields, minimal, spec_with

PLURALS = {"AgentWorkspace": "agentworkspaces", "RLTrainingJob": "rltrainingjobs"}
ALL = [field for kind in PLURALS for field in fields(kind)]


def collection(kind: str, namespace: str) -> str:
    return f"/apis/{API_VERSION}/namespaces/{namespace}/{PLURALS[kind]}"


def resource(kind: str, spec: dict[str, Any], name: str = "demo") -> Object:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec}


async def refusal(admin: KubeClient, namespace: str, live: Object, spec: dict[str, Any]) -> str:
    path = f"{collection(live['kind'], namespace)}/{live['metadata']['name']}"
    with pytest.raises(Invalid) as caught:
        await admin.replace(path, {**live, "spec": spec})
    return caught.value.message


def holds(live: Any, asked: Any) -> bool:
    if isinstance(asked, dict):
        return isinstance(live, dict) and all(key in live and holds(live[key], asked[key]) for key in asked)
    if isinstance(asked, list):
        return len(live) == len(asked) and all(map(holds, live, asked))
    return bool(live == asked)


def is_value(field: Field) -> bool:
    empty = (
        field.schema.get("type") == "object" and "x-kubernetes-preserve-unknown-fields" not in field.schema
    )
    return field.leaf and not empty


@pytest.mark.parametrize("field", list(filter(is_value, ALL)), ids=str)
async def test_valid_is_accepted_invalid_refused_and_valid_again(
    admin: KubeClient, namespace: str, field: Field
) -> None:
    valid, invalid, words = field.entry
    asked = spec_with(field.kind, field.path, valid)
    live = await admin.create(collection(field.kind, namespace), resource(field.kind, asked))
    assert holds(live["spec"], asked)

    message = await refusal(admin, namespace, live, spec_with(field.kind, field.path, invalid))
    assert words in message
    assert field.path.split(".")[-1].removesuffix("[]").removesuffix("{}") in message

    path = f"{collection(field.kind, namespace)}/demo"
    again = await admin.replace(path, live)
    assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]


@pytest.mark.parametrize("field", [field for field in ALL if "maxItems" in field.schema], ids=str)
async def test_lists_are_bounded(admin: KubeClient, namespace: str, field: Field) -> None:
    live = await admin.create(collection(field.kind, namespace), resource(field.kind, base(field.kind)))
    item = list_item(field)
    many = [copy.deepcopy(item) for _ in range(field.schema["maxItems"] + 1)]
    message = await refusal(admin, namespace, live, spec_with(field.kind, field.path, many))
    assert f"must have at most {field.schema['maxItems']} items" in message


@pytest.mark.parametrize("field", [field for field in ALL if "maxProperties" in field.schema], ids=str)
async def test_maps_are_bounded(admin: KubeClient, namespace: str, field: Field) -> None:
    live = await admin.create(collection(field.kind, namespace), resource(field.kind, base(field.kind)))
    many = {f"key-{number}": "1" for number in range(field.schema["maxProperties"] + 1)}
    message = await refusal(admin, namespace, live, spec_with(field.kind, field.path, many))
    assert f"must have at most {field.schema['maxProperties']} items" in message


@pytest.mark.parametrize("field", [field for field in ALL if field.union], ids=str)
async def test_exactly_one_member_of_a_union(admin: KubeClient, namespace: str, field: Field) -> None:
    live = await admin.create(collection(field.kind, namespace), resource(field.kind, base(field.kind)))
    two: dict[str, Any] = {}
    for member in field.union[:2]:
        two |= minimal(field.kind, field.schema, field.path, member)
    for wrong in ({}, two):
        message = await refusal(admin, namespace, live, spec_with(field.kind, field.path, wrong))
        assert f"exactly one of {', '.join(field.union)} must be set" in message
    for member in field.union:
        right = minimal(field.kind, field.schema, field.path, member)
        path = f"{collection(field.kind, namespace)}/demo"
        live = await admin.replace(path, {**live, "spec": spec_with(field.kind, field.path, right)})


def base(kind: str) -> dict[str, Any]:
    return minimal(kind, SCHEMAS[kind], "spec")


def list_item(field: Field) -> Any:
    items = field.schema["items"]
    if "properties" in items:
        return minimal(field.kind, items, field.path + "[]")
    return Field(field.kind, field.path + "[]", items).entry[0]
