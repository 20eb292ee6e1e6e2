"""The test bed itself: it serves, it keeps namespaces apart, and its processes are ours."""

from __future__ import annotations

import pytest

from dspy_operator.kube.errors import Conflict, Invalid, NotFound

from .world import Admin


def config_map(namespace: str, **data: str) -> dict[str, object]:
    meta = {"name": "one", "namespace": namespace}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


async def test_client_speaks_to_a_real_api_server(admin: Admin, namespace: str) -> None:
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    with pytest.raises(NotFound):
        await admin.get(f"{path}/one")
    made = await admin.apply(f"{path}/one", config_map(namespace, a="1", b="2"), force=True)
    again = await admin.apply(f"{path}/one", config_map(namespace, a="1"), force=True)
    assert again["data"] == {"a": "1"}
    with pytest.raises(Conflict):
        await admin.delete(f"{path}/one", uid="another")
    await admin.delete(f"{path}/one", uid=made["metadata"]["uid"])
    with pytest.raises(NotFound):
        await admin.get(f"{path}/one")


async def test_lists_come_in_pages(admin: Admin, namespace: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dspy_operator.kube.client.PAGE_SIZE", 2)
    path = f"/api/v1/namespaces/{namespace}/configmaps"
    for index in range(5):
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": f"c{index}", "labels": {"a": "b"}},
        }
        await admin.apply(f"{path}/c{index}", body, force=True)
    pages = [page async for page in admin.pages(path, labels="a=b")]
    assert [len(page.items) for page in pages] == [2, 2, 1]
    assert len({page.resource_version for page in pages}) == 1


async def test_invalid_objects_are_invalid(admin: Admin, namespace: str) -> None:
    body = config_map(namespace) | {"data": ["not", "a", "map"]}
    with pytest.raises(Invalid):
        await admin.create(f"/api/v1/namespaces/{namespace}/configmaps", body)
