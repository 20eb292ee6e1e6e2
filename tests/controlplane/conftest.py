"""Fixtures: one control plane a test run, one namespace a test."""

from __future__ import annotations

import asyncio
import os
import secrets
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from dspy_operator.children import Kind
from dspy_operator.kube.errors import NotFound

from . import bed
from .proxy import FaultProxy
from .running import Operators
from .world import Admin, World

THIRD_PARTY = Path(__file__).parent / "third_party"
CRD_PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
REQUIRE = "DSPY_REQUIRE_CONTROLPLANE"
LEASE_VERBS = ["get", "create", "update"]


class Token:
    """Credentials that are one fixed token."""

    def __init__(self, server: str, token: str) -> None:
        self.server = server
        self._token = token

    def ssl_context(self) -> ssl.SSLContext | bool:
        return False

    def headers(self, *, refused: bool = False) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._token}"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(folder):
            item.add_marker(pytest.mark.controlplane)


@pytest.fixture(scope="session")
def control_plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[bed.ControlPlane]:
    """etcd and kube-apiserver with our CRDs."""
    missing = bed.missing_binaries()
    if missing:
        sentence = f"no {', '.join(missing)} in {bed.assets()}; set KUBEBUILDER_ASSETS"
        if os.environ.get(REQUIRE) == "1":
            pytest.fail(f"{sentence} ({REQUIRE}=1)")
        pytest.skip(sentence)
    plane = bed.ControlPlane(tmp_path_factory.mktemp("controlplane"))
    try:
        plane.start()
        asyncio.run(_install(plane))
        yield plane
    finally:
        plane.stop()


async def _install(plane: bed.ControlPlane) -> None:
    # Before any controller starts: garbage collection learns of new kinds only every 30 s.
    async with Admin(Token(plane.url, bed.ADMIN_TOKEN)) as client:
        await install_crds(client)
        await make_namespace(client, bed.OPERATOR_NAMESPACE)


@pytest.fixture(scope="session")
def controllers(control_plane: bed.ControlPlane) -> bed.ControlPlane:
    """The control plane, with garbage collection and namespace deletion."""
    control_plane.start_controllers()
    return control_plane


@pytest.fixture
async def admin(control_plane: bed.ControlPlane) -> AsyncIterator[Admin]:
    """A client that may do everything, straight to the API server."""
    async with Admin(Token(control_plane.url, bed.ADMIN_TOKEN)) as client:
        yield client


@pytest.fixture
async def namespace(admin: Admin) -> AsyncIterator[str]:
    """A fresh namespace."""
    name = f"test-{secrets.token_hex(4)}"
    await make_namespace(admin, name)
    yield name
    await empty_namespace(admin, name)


@pytest.fixture
def world(admin: Admin, namespace: str) -> World:
    """The admin's view of ``namespace``."""
    return World(admin, namespace)


@pytest.fixture
async def proxy(control_plane: bed.ControlPlane) -> AsyncIterator[FaultProxy]:
    """The proxy in front of the API server."""
    async with FaultProxy(control_plane.url).serving() as serving:
        yield serving


@pytest.fixture
async def operators(
    control_plane: bed.ControlPlane,
    proxy: FaultProxy,
    namespace: str,
    admin: Admin,
    monkeypatch: pytest.MonkeyPatch,
) -> Operators:
    """Starts operators for ``namespace`` that have the chart's rights and no others."""
    leases = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": LEASE_VERBS}
    await grant(admin, bed.OPERATOR_NAMESPACE, [leases])
    await grant(admin, namespace, operator_rules())
    return Operators(control_plane, proxy, namespace, monkeypatch)


async def make_namespace(admin: Admin, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    await admin.apply(f"/api/v1/namespaces/{name}", body, force=True)


async def empty_namespace(admin: Admin, name: str) -> None:
    """Delete the workspaces, so that later operators of the same run have nothing to do here."""
    for plural in ("agentworkspaces", "rltrainingjobs"):
        path = f"/apis/dspy.dev/v1alpha1/namespaces/{name}/{plural}"
        try:
            async for page in admin.pages(path):
                for item in page.items:
                    meta = item["metadata"]
                    await admin.delete(f"{path}/{meta['name']}", uid=meta["uid"])
        except NotFound:
            continue


def crds() -> list[dict[str, Any]]:
    return [yaml.safe_load(path.read_text()) for path in sorted(bed.CRDS.glob("*.yaml"))]


async def install_crds(admin: Admin) -> None:
    """Install our CRDs and wait until the API server serves them."""
    for crd in crds():
        await install_crd(admin, crd)


async def install_crd(admin: Admin, crd: dict[str, Any]) -> None:
    """Install one CRD and wait until the API server serves it."""
    path = f"{CRD_PATH}/{crd['metadata']['name']}"
    await admin.apply(path, crd, force=True)

    async def established() -> bool:
        conditions = (await admin.get(path)).get("status", {}).get("conditions") or []
        return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)

    await bed.eventually(established, 20, "CRD not established")
    group = crd["spec"]["group"]
    version = crd["spec"]["versions"][0]["name"]

    async def served() -> bool:
        try:
            found = await admin.get(f"/apis/{group}/{version}")
        except NotFound:
            return False
        return any(item["name"] == crd["spec"]["names"]["plural"] for item in found["resources"])

    await bed.eventually(served, 20, "CRD not served")


class ThirdParty:
    """CRDs of other operators, gone again after the test."""

    def __init__(self, admin: Admin) -> None:
        self._admin = admin
        self._installed: set[str] = set()

    async def install(self, kind: Kind) -> None:
        crd = yaml.safe_load((THIRD_PARTY / f"{self._name(kind)}.yaml").read_text())
        self._installed.add(self._name(kind))
        await install_crd(self._admin, crd)

    async def remove(self, kind: Kind) -> None:
        await self._remove(self._name(kind))

    async def clean(self) -> None:
        for name in list(self._installed):
            await self._remove(name)

    async def _remove(self, name: str) -> None:
        self._installed.discard(name)
        path = f"{CRD_PATH}/{name}"
        live = await self._admin.get(path)
        await self._admin.delete(path, uid=live["metadata"]["uid"])

        async def gone() -> bool:
            try:
                await self._admin.get(path)
            except NotFound:
                return True
            return False

        await bed.eventually(gone, 30, f"{name} never went")

    @staticmethod
    def _name(kind: Kind) -> str:
        return f"{kind.plural}.{kind.api_version.partition('/')[0]}"


@pytest.fixture
async def third_party(admin: Admin) -> AsyncIterator[ThirdParty]:
    """Installs CRDs of other operators for one test."""
    parties = ThirdParty(admin)
    yield parties
    await parties.clean()


def operator_rules() -> list[dict[str, Any]]:
    """The rules of the chart."""
    text = (Path(__file__).parents[2] / "helm/dspy-agent/templates/_helpers.tpl").read_text()
    block = text.split('{{- define "dspy-agent.operatorRules" -}}')[1].split("{{- end }}")[0]
    rules: list[dict[str, Any]] = yaml.safe_load(block)
    return rules


async def grant(admin: Admin, namespace: str, rules: list[dict[str, Any]]) -> None:
    """Give the operator's account these rights in one namespace."""
    group = "rbac.authorization.k8s.io"
    meta = {"name": bed.OPERATOR_ACCOUNT, "namespace": namespace}
    subject = {"kind": "ServiceAccount", "name": bed.OPERATOR_ACCOUNT, "namespace": bed.OPERATOR_NAMESPACE}
    role = {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": meta, "rules": rules}
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "RoleBinding",
        "metadata": meta,
        "roleRef": {"apiGroup": group, "kind": "Role", "name": bed.OPERATOR_ACCOUNT},
        "subjects": [subject],
    }
    for plural, body in (("roles", role), ("rolebindings", binding)):
        path = f"/apis/{group}/v1/namespaces/{namespace}/{plural}/{bed.OPERATOR_ACCOUNT}"
        await admin.apply(path, body, force=True)
