"""Values that users set: each is rendered, and each result is given to a real API server."""

from __future__ import annotations

MATRIX: dict[str, tuple[str, ...]] = {
    "defaults": (),
    "namespaced": ("scope.mode=namespaced", "scope.namespaces={team-a,team-b}"),
    "two copies": ("replicas=2",),
    "no copies": ("replicas=0",),
    "without CRDs": ("crds.install=false",),
    "own account": ("serviceAccount.create=false", "serviceAccount.name=mine"),
    "annotated account": ("serviceAccount.annotations.team=a",),
    "without RBAC": ("rbac.create=false", "rbac.userRoles=false"),
    "own registry": (
        "image.repository=registry.example.com/operator",
        "image.tag=1.2.3",
        "image.pullPolicy=Always",
        "imagePullSecrets[0].name=pull",
        "workspaces.agentImage=registry.example.com/agent:1.2.3",
        "workspaces.ollamaImage=registry.example.com/ollama:1",
        "workspaces.sparkImage=registry.example.com/spark:1",
        "workspaces.imagePullPolicy=Never",
    ),
    "placed": (
        "nodeSelector.disk=ssd",
        "tolerations[0].key=a",
        "tolerations[0].operator=Exists",
        "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight=1",
        "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].podAffinityTerm.topologyKey=zone",
        "priorityClassName=system-cluster-critical",
        "podLabels.team=a",
        "podAnnotations.note=b",
    ),
    "closed": (
        "networkPolicy.enabled=true",
        "networkPolicy.from[0].namespaceSelector.matchLabels.kubernetes\\.io/metadata\\.name=monitoring",
    ),
    "tuned": ("resyncSeconds=60", "workers=16", "resources.limits.memory=1Gi", "resources.limits.cpu=2"),
    "other DNS": ("workspaces.dnsNamespace=dns", "workspaces.clusterDomain=corp.internal"),
}

# Values that the schema refuses, with a word of the reason that helm prints.
REFUSED: dict[str, str] = {
    "replica=2": "replica",
    "replicas=two": "replicas",
    "replicas=-1": "replicas",
    "image.pullPolicy=Sometimes": "pullPolicy",
    "image.repository=": "repository",
    "scope.mode=galaxy": "mode",
    "scope.mode=namespaced": "namespaces",
    "scope.namespaces={a}": "namespaces",
    "resyncSeconds=0": "resyncSeconds",
    "workers=0": "workers",
    "resources.limit.cpu=1": "resources",
    "crds.install=maybe": "install",
    "networkPolicy.from=everybody": "from",
    "metrics.serviceMonitor.interval=soon": "interval",
    "workspaces.dnsNamespace=Kube_System": "dnsNamespace",
    "podLabels.a.b=c": "podLabels",
}
