"""Every field of both specs against a real API server: accepted, refused with clear words, and back.

One test walks all fields of a kind, since a fresh namespace for each would take minutes.
"""

from __future__ import annotations

import asyncio
import copy
import itertools
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import pytest

from dspy_agent_core.contracts.cluster import API_VERSION
from dspy_operator.kube.client import KubeClient, Object
from dspy_operator.kube.errors import Invalid
from tests.operator.spec_fields import SCHEMAS, Field, fields, minimal, spec_with

PLURALS = {"AgentWorkspace": "agentworkspaces", "RLTrainingJob": "rltrainingjobs"}
KINDS = pytest.mark.parametrize("kind", list(PLURALS))


@dataclass
class Specs:
    """Resources of one kind in a namespace of the real API server."""

    admin: KubeClient
    namespace: str
    kind: str
    numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def path(self) -> str:
        return f"/apis/{API_VERSION}/namespaces/{self.namespace}/{PLURALS[self.kind]}"

    async def create(self, spec: dict[str, Any], name: str = "") -> Object:
        meta = {"name": name or f"demo-{next(self.numbers)}"}
        body = {"apiVersion": API_VERSION, "kind": self.kind, "metadata": meta, "spec": spec}
        return await self.admin.create(self.path, body)

    async def replace(self, live: Object, spec: dict[str, Any]) -> Object:
        return await self.admin.replace(f"{self.path}/{live['metadata']['name']}", {**live, "spec": spec})

    async def refusal(self, live: Object, spec: dict[str, Any]) -> str:
        try:
            await self.replace(live, spec)
        except Invalid as error:
            return error.message
        return "(accepted)"


def holds(live: Any, asked: Any) -> bool:
    if isinstance(asked, dict):
        return isinstance(live, dict) and all(key in live and holds(live[key], asked[key]) for key in asked)
    if isinstance(asked, list):
        return len(live) == len(asked) and all(map(holds, live, asked))
    return bool(live == asked)


def is_value(item: Field) -> bool:
    empty = item.schema.get("type") == "object" and "x-kubernetes-preserve-unknown-fields" not in item.schema
    return item.leaf and not empty


def base(kind: str) -> dict[str, Any]:
    return minimal(kind, SCHEMAS[kind], "spec")


def list_item(item: Field) -> Any:
    items = item.schema["items"]
    if "properties" in items:
        return minimal(item.kind, items, item.path + "[]")
    return Field(item.kind, item.path + "[]", items).entry[0]


async def all_pass(
    check: Callable[[Specs, Field], Awaitable[None]], specs: Specs, chosen: Iterable[Field]
) -> None:
    """Run ``check`` for each field, and tell all fields that fail."""
    fields_ = list(chosen)
    assert fields_
    results = await asyncio.gather(*(check(specs, item) for item in fields_), return_exceptions=True)
    failed = [f"{item.path}: {error}" for item, error in zip(fields_, results, strict=True) if error]
    assert not failed, "\n".join(failed)


@KINDS
async def test_valid_is_accepted_invalid_refused_and_valid_again(
    admin: KubeClient, namespace: str, kind: str
) -> None:
    async def check(specs: Specs, item: Field) -> None:
        valid, invalid, words = item.entry
        asked = spec_with(kind, item.path, valid)
        live = await specs.create(asked)
        assert holds(live["spec"], asked)
        message = await specs.refusal(live, spec_with(kind, item.path, invalid))
        assert words in message
        assert item.path.split(".")[-1].removesuffix("[]").removesuffix("{}") in message
        again = await specs.replace(live, live["spec"])
        assert again["metadata"]["resourceVersion"] == live["metadata"]["resourceVersion"]

    await all_pass(check, Specs(admin, namespace, kind), filter(is_value, fields(kind)))


@KINDS
async def test_lists_and_maps_are_bounded(admin: KubeClient, namespace: str, kind: str) -> None:
    async def check(specs: Specs, item: Field) -> None:
        live = await specs.create(base(kind))
        many: Any
        if "maxItems" in item.schema:
            limit = item.schema["maxItems"]
            many = [copy.deepcopy(list_item(item)) for _ in range(limit + 1)]
        else:
            limit = item.schema["maxProperties"]
            many = {f"key-{number}": "1" for number in range(limit + 1)}
        message = await specs.refusal(live, spec_with(kind, item.path, many))
        assert f"must have at most {limit} items" in message

    bounded = (item for item in fields(kind) if {"maxItems", "maxProperties"} & item.schema.keys())
    await all_pass(check, Specs(admin, namespace, kind), bounded)


@KINDS
async def test_exactly_one_member_of_a_union(admin: KubeClient, namespace: str, kind: str) -> None:
    async def check(specs: Specs, item: Field) -> None:
        live = await specs.create(base(kind))
        two: dict[str, Any] = {}
        for member in item.union[:2]:
            two |= minimal(kind, item.schema, item.path, member)
        for wrong in ({}, two):
            message = await specs.refusal(live, spec_with(kind, item.path, wrong))
            assert f"exactly one of {', '.join(item.union)} must be set" in message
        for member in item.union:
            right = minimal(kind, item.schema, item.path, member)
            live = await specs.replace(live, spec_with(kind, item.path, right))

    await all_pass(check, Specs(admin, namespace, kind), (item for item in fields(kind) if item.union))
