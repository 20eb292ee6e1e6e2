"""Which objects can belong to a workspace, and where the API server keeps them.

Child names derive from the parent, so everything here is a table lookup: no discovery, no cache.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind that the operator makes. ``plural`` is its resource name in REST paths."""

    api_version: str
    kind: str
    plural: str

    def path(self, namespace: str | None) -> str:
        """Return the REST path of the collection; of all namespaces where ``namespace`` is None."""
        root = f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        return f"{root}/namespaces/{namespace}/{self.plural}" if namespace else f"{root}/{self.plural}"


SERVICE_ACCOUNT: Final = Kind("v1", "ServiceAccount", "serviceaccounts")
CLAIM: Final = Kind("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
CONFIG_MAP: Final = Kind("v1", "ConfigMap", "configmaps")
SERVICE: Final = Kind("v1", "Service", "services")
NETWORK_POLICY: Final = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
STATEFUL_SET: Final = Kind("apps/v1", "StatefulSet", "statefulsets")
DEPLOYMENT: Final = Kind("apps/v1", "Deployment", "deployments")

# The kinds to watch, in the order in which children are applied.
ALL_KINDS: Final = (
    SERVICE_ACCOUNT,
    CLAIM,
    CONFIG_MAP,
    SERVICE,
    NETWORK_POLICY,
    STATEFUL_SET,
    DEPLOYMENT,
)
_KINDS: Final = {(kind.api_version, kind.kind): kind for kind in ALL_KINDS}


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of one child."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """The REST path of the object. Raises KeyError for a kind that is not in ``ALL_KINDS``."""
        return f"{_KINDS[self.api_version, self.kind].path(self.namespace)}/{self.name}"


@dataclass(frozen=True, slots=True)
class Child:
    """A desired object: ``body`` is the whole apply configuration, annotations included."""

    ref: Ref
    body: dict[str, Any]


def ref(kind: Kind, namespace: str, name: str) -> Ref:
    """Return the address of an object of ``kind``."""
    return Ref(kind.api_version, kind.kind, namespace, name)


def agent_name(workspace: str) -> str:
    """Name of the agent's ServiceAccount, ConfigMap, Service, StatefulSet and NetworkPolicy."""
    return f"{workspace}-agent"


def model_name(workspace: str) -> str:
    """Name of the model server's Deployment, Service and NetworkPolicy."""
    return f"{workspace}-model"


def workspace_claim(workspace: str) -> str:
    """Name of the claim that holds the code, the logs and the agent's state."""
    return f"{workspace}-workspace"


def models_claim(workspace: str) -> str:
    """Name of the claim that holds the pulled models."""
    return f"{workspace}-models"


def possible_refs(namespace: str, name: str) -> tuple[Ref, ...]:
    """Return every child that the workspace ``name`` could have, in the order of applying."""
    agent, model = agent_name(name), model_name(name)
    return (
        ref(SERVICE_ACCOUNT, namespace, agent),
        ref(CLAIM, namespace, workspace_claim(name)),
        ref(CLAIM, namespace, models_claim(name)),
        ref(CONFIG_MAP, namespace, agent),
        ref(SERVICE, namespace, agent),
        ref(SERVICE, namespace, model),
        ref(NETWORK_POLICY, namespace, agent),
        ref(NETWORK_POLICY, namespace, model),
        ref(STATEFUL_SET, namespace, agent),
        ref(DEPLOYMENT, namespace, model),
    )
