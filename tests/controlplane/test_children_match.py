"""What a real API server makes of our children still matches what we want, so that idle means no writes."""

from __future__ import annotations

from typing import Any

import pytest

from dspy_operator.children import Child
from dspy_operator.desired import desired
from dspy_operator.kube.client import KubeClient
from dspy_operator.observe import State, claim_facts, observe
from dspy_operator.settings import Settings
from tests.operator.build import UID, facts, workspace

RICH: dict[str, Any] = {
    "source": {"git": {"url": "https://git.example.com/x", "ref": "main", "secretRef": {"name": "login"}}},
    "model": {
        "ollama": {
            "model": "http://models:5000/library/x:1",
            "insecure": True,
            "resources": {"limits": {"cpu": ".5", "memory": "1024Mi"}, "requests": {"cpu": "0.25"}},
            "storage": {"size": "1024Mi"},
        }
    },
    "agent": {
        "replicas": 2,
        "env": [
            {"name": "A", "value": ""},
            {"name": "B", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k", "optional": False}}},
            {
                "name": "C",
                "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1024Ki"}},
            },
            {"name": "D", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        ],
        "envFrom": [
            {"secretRef": {"name": "q", "optional": True}},
            {"prefix": "P_", "configMapRef": {"name": "c"}},
        ],
        "resources": {"limits": {"cpu": "1500m", "memory": "0.5Gi"}},
        "runtimeClassName": "gvisor",
        "template": {
            "metadata": {"labels": {"team": "blue"}, "annotations": {"note": ""}},
            "spec": {
                "tolerations": [{"key": "x", "operator": "Exists"}],
                "hostNetwork": False,
                "nodeSelector": {"disk": "fast"},
                "affinity": {},
                "volumes": [{"name": "tmp", "emptyDir": {"sizeLimit": "0.5Gi", "medium": ""}}],
                "containers": [
                    {"name": "agent", "imagePullPolicy": "Always", "ports": [], "stdin": False},
                    {"name": "side", "image": "x", "resources": {"requests": {"cpu": 0.25}}},
                ],
            },
        },
    },
    "imagePullSecrets": [{"name": "pull"}],
    "networkPolicy": {
        "egress": [
            {
                "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}, {"podSelector": {}}],
                "ports": [{"port": 80}, {"port": 80, "protocol": "UDP"}, {"port": 90, "endPort": 99}],
            },
            {},
        ]
    },
    "storage": {"retainPolicy": "Retain", "size": "0.5Gi", "accessModes": ["ReadWriteMany"]},
}
REMOTE: dict[str, Any] = {
    "source": {"pvc": {"claimName": "code"}},
    "model": {
        "openAICompatible": {
            "baseURL": "http://api.infra:8000/v1",
            "model": "m",
            "apiKeySecretRef": {"name": "s"},
        }
    },
    "serviceAccountName": "builder",
    "networkPolicy": {"management": "Unmanaged"},
    "vectorStore": {"milvus": {"uri": "http://milvus", "secretRef": {"name": "login"}}},
}
STREAMS: dict[str, Any] = {
    **REMOTE,
    "streaming": {
        "kafka": {"bootstrapServers": "k.queues:9092,10.0.0.7:9092"},
        "topicPrefix": "",
        "apps": [{"name": "web", "config": {"retention.ms": "1"}}, {"name": "api"}],
        "contextJob": {"engine": "Spark", "resources": {"limits": {"cpu": ".5"}}},
    },
}
LIGHT: dict[str, Any] = {"streaming": {**STREAMS["streaming"], "contextJob": {"engine": "Light"}}}
SPECS = pytest.mark.parametrize(
    "spec", [{}, RICH, REMOTE, {**RICH, "operatingMode": "Suspended"}, {**RICH, **STREAMS}, LIGHT]
)


def children(namespace: str, spec: dict[str, Any], **meta: Any) -> list[Child]:
    return desired(workspace(spec, namespace=namespace, **meta), facts(), Settings())


@SPECS
async def test_what_was_applied_matches(admin: KubeClient, namespace: str, spec: dict[str, Any]) -> None:
    for child in children(namespace, spec):
        await admin.apply(child.ref.path, child.body, force=True)
        live = await admin.get(child.ref.path)
        assert observe(child.ref, child, live, UID).state is State.MATCHES, (child.body, live)


async def test_fields_that_leave_the_spec_leave_the_children(admin: KubeClient, namespace: str) -> None:
    for child in children(namespace, {"agent": RICH["agent"]}):
        await admin.apply(child.ref.path, child.body, force=True)
    for child in children(namespace, {}, generation=2):
        live = await admin.get(child.ref.path)
        assert observe(child.ref, child, live, UID).state is State.DIFFERS
        live = await admin.apply(child.ref.path, child.body, force=True)
        assert observe(child.ref, child, live, UID).state is State.MATCHES
        if child.ref.kind == "StatefulSet":
            spec = live["spec"]["template"]["spec"]
            assert [container["name"] for container in spec["containers"]] == ["agent"]
            assert "tolerations" not in spec
            assert "runtimeClassName" not in spec


async def test_the_default_storage_class_is_no_difference(admin: KubeClient, namespace: str) -> None:
    default = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {
            "name": "standard",
            "annotations": {"storageclass.kubernetes.io/is-default-class": "true"},
        },
        "provisioner": "example.com/none",
    }
    path = "/apis/storage.k8s.io/v1/storageclasses/standard"
    made = await admin.apply(path, default, force=True)
    try:
        claim = next(child for child in children(namespace, {}) if child.ref.kind == "PersistentVolumeClaim")
        live = await admin.apply(claim.ref.path, claim.body, force=True)
        assert live["spec"]["storageClassName"] == "standard"
        assert observe(claim.ref, claim, live, UID).state is State.MATCHES
        known = claim_facts(claim.ref, live, UID)
        assert known
        assert known.storage_class is None
        again = await admin.apply(claim.ref.path, claim.body, force=True)
        assert again["spec"]["storageClassName"] == "standard"
    finally:
        await admin.delete(path, uid=made["metadata"]["uid"])


@pytest.mark.parametrize("spec", [{}, RICH | {"agent": {}}, REMOTE, STREAMS, LIGHT])
async def test_pods_pass_pod_security_restricted(
    admin: KubeClient, namespace: str, spec: dict[str, Any]
) -> None:
    meta = {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    enforce = {"apiVersion": "v1", "kind": "Namespace", "metadata": meta}
    await admin.apply(f"/api/v1/namespaces/{namespace}", enforce, force=True)
    workloads = [
        child for child in children(namespace, spec) if child.ref.kind in ("StatefulSet", "Deployment", "Job")
    ]
    for child in workloads:
        template = child.body["spec"]["template"]
        named = {**template["metadata"], "name": child.ref.name}
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": named, "spec": template["spec"]}
        await admin.create(f"/api/v1/namespaces/{namespace}/pods", pod)
