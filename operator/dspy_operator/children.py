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
BATCH_JOB: Final = Kind("batch/v1", "Job", "jobs")
KAFKA_TOPIC: Final = Kind("kafka.strimzi.io/v1", "KafkaTopic", "kafkatopics")
SPARK_APPLICATION: Final = Kind("sparkoperator.k8s.io/v1beta2", "SparkApplication", "sparkapplications")

# The kinds to watch, in the order in which children are applied.
ALL_KINDS: Final = (
    SERVICE_ACCOUNT,
    CLAIM,
    CONFIG_MAP,
    SERVICE,
    NETWORK_POLICY,
    BATCH_JOB,
    STATEFUL_SET,
    DEPLOYMENT,
)
# Kinds of other operators: the cluster may lack them, now or later.
OPTIONAL_KINDS: Final = (KAFKA_TOPIC, SPARK_APPLICATION)
_KINDS: Final = {(kind.api_version, kind.kind): kind for kind in (*ALL_KINDS, *OPTIONAL_KINDS)}


@dataclass(frozen=True, slots=True)
class Ref:
    """The address of one child."""

    api_version: str
    kind: str
    namespace: str
    name: str

    @property
    def path(self) -> str:
        """The REST path of the object. Raises KeyError for a kind that no child has."""
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


def checkpoints_claim(workspace: str) -> str:
    """Name of the claim that holds the checkpoints of the Spark job."""
    return f"{workspace}-checkpoints"


def topics_name(workspace: str) -> str:
    """Name of the Job that makes topics on plain bootstrap servers."""
    return f"{workspace}-topics"


def context_name(workspace: str) -> str:
    """Name of the context job, a Deployment or a SparkApplication, and of the latter's NetworkPolicy."""
    return f"{workspace}-context"


def worker_name(workspace: str) -> str:
    """Name of the workers' Deployment, and of the NetworkPolicy that lets them ask the model."""
    return f"{workspace}-worker"


def router_name(workspace: str) -> str:
    """Name of the router's Deployment, Service and NetworkPolicy."""
    return f"{workspace}-router"


def streams_name(workspace: str) -> str:
    """Name of the NetworkPolicy that all pods of the streams share."""
    return f"{workspace}-streams"


def vectors_name(workspace: str) -> str:
    """Name of the Deployment that watches the vector store, and of its NetworkPolicy."""
    return f"{workspace}-vectors"


def possible_refs(namespace: str, name: str) -> tuple[Ref, ...]:
    """Return every child that any workspace ``name`` could have, in the order of applying."""
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


def stream_refs(namespace: str, name: str) -> tuple[Ref, ...]:
    """Return every child with a name of its own that ``spec.streaming`` could ask for.

    Those of `OPTIONAL_KINDS` are found by label.
    """
    return (
        ref(CLAIM, namespace, checkpoints_claim(name)),
        ref(NETWORK_POLICY, namespace, streams_name(name)),
        ref(NETWORK_POLICY, namespace, context_name(name)),
        ref(NETWORK_POLICY, namespace, worker_name(name)),
        ref(NETWORK_POLICY, namespace, router_name(name)),
        ref(SERVICE, namespace, router_name(name)),
        ref(BATCH_JOB, namespace, topics_name(name)),
        ref(DEPLOYMENT, namespace, context_name(name)),
        ref(DEPLOYMENT, namespace, worker_name(name)),
        ref(DEPLOYMENT, namespace, router_name(name)),
    )


def vector_refs(namespace: str, name: str) -> tuple[Ref, ...]:
    """Return every child that ``spec.vectorStore`` could ask for."""
    return (
        ref(NETWORK_POLICY, namespace, vectors_name(name)),
        ref(DEPLOYMENT, namespace, vectors_name(name)),
    )
