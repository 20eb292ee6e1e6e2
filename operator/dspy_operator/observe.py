"""What status needs to know of live objects, in a few bytes each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dspy_agent_core.contracts.cluster import Termination
from dspy_operator.children import Child, Ref
from dspy_operator.facts import Claim


class State(StrEnum):
    """How a live object stands to what we want.

    The reconcile applies MISSING and DIFFERS, deletes SURPLUS (with a uid precondition), and leaves
    all others alone.
    """

    MISSING = "Missing"  # desired, not there
    MATCHES = "Matches"
    DIFFERS = "Differs"
    KEPT = "Kept"  # rendered by another operator version for this same generation: left as it is
    FOREIGN = "Foreign"  # desired, but the namesake is not ours
    TERMINATING = "Terminating"  # ours or a predecessor's, in deletion: wait
    SURPLUS = "Surplus"  # ours, no longer desired: delete
    ABSENT = "Absent"  # neither desired nor there (nor ours)


@dataclass(frozen=True, slots=True)
class Observed:
    """One child as status sees it. Counts are 0 and strings empty where the kind has none."""

    ref: Ref
    state: State
    wanted: bool = False
    uid: str = ""
    generation: int = 0
    observed_generation: int = 0
    replicas: int = 0  # spec.replicas
    current_replicas: int = 0  # status.replicas
    ready_replicas: int = 0
    updated_replicas: int = 0
    revision_settled: bool = True  # StatefulSet: currentRevision is updateRevision
    stalled: str = ""  # Deployment: message of ReplicaFailure or of an exceeded progress deadline
    claim_phase: str = ""
    claim_request: str = ""
    claim_capacity: str = ""
    claim_resize: str = ""  # type of the live resize condition, or ""
    claim_message: str = ""

    @property
    def exists(self) -> bool:
        """Whether a live object has this name."""
        return self.uid != ""

    @property
    def settled(self) -> bool:
        """Whether the live object holds what this generation of the workspace wants."""
        return self.state in (State.MATCHES, State.KEPT)


@dataclass(frozen=True, slots=True)
class ContainerFacts:
    """One container of a pod; ``init`` for init containers. Waiting and terminated as the kubelet says."""

    name: str
    init: bool
    ready: bool
    restarts: int
    waiting_reason: str = ""
    waiting_message: str = ""
    exit_code: int | None = None  # of the current or the last termination
    exit_reason: str = ""
    termination: Termination | None = None


@dataclass(frozen=True, slots=True)
class PodFacts:
    """One pod: ``component`` is agent or model; ``unschedulable`` the scheduler's message, or ''."""

    name: str
    component: str
    phase: str
    ready: bool
    terminating: bool
    unschedulable: str
    containers: tuple[ContainerFacts, ...]


def observe(ref: Ref, desired: Child | None, live: dict[str, Any] | None, owner_uid: str) -> Observed:
    """Return what status needs to know of ``live``, and how it stands to ``desired``."""
    raise NotImplementedError


def claim_facts(ref: Ref, live: dict[str, Any] | None, owner_uid: str) -> Claim | None:
    """Return what the live claim holds us to; None if it is missing, not ours, or being deleted."""
    raise NotImplementedError


def observe_pod(pod: dict[str, Any]) -> PodFacts:
    """Return what status needs to know of ``pod``."""
    raise NotImplementedError
