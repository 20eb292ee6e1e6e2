"""What status needs to know of live objects, in a few bytes each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from dspy_agent_core.contracts.cluster import (
    API_VERSION,
    CONTAINER_TRAINER,
    LABEL_COMPONENT,
    LABEL_MANAGED_BY,
    LABEL_WORKSPACE,
    MANAGED_BY,
    Termination,
)
from dspy_operator.children import KAFKA_TOPIC, Child, Ref, checkpoints_claim, models_claim, workspace_claim
from dspy_operator.compare import ANNOTATION_RENDERED_BY, ANNOTATION_RENDERED_FOR, matches
from dspy_operator.desired.common import ANNOTATION_CONFIG, ANNOTATION_RETAINED_FOR
from dspy_operator.desired.storage import ANNOTATION_STORAGE_CLASS
from dspy_operator.facts import Claim
from dspy_operator.told import told_by


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
    outcome: str = ""  # of a Job, a KafkaTopic, a SparkApplication: "True", "False", or "" on its way
    outcome_reason: str = ""
    outcome_message: str = ""
    outcome_time: str = ""  # when that came

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
    image: str = ""
    waiting_reason: str = ""
    waiting_message: str = ""
    exit_code: int | None = None  # of the current or the last termination
    exit_reason: str = ""
    exit_message: str = ""
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

    @property
    def serves(self) -> bool:
        """Whether what the pod is there for runs: it is ready, or only its trainer is not."""
        lacking = {each.name for each in self.containers if not each.ready and not each.init}
        return not self.terminating and (self.ready or lacking == {CONTAINER_TRAINER})


def observe(ref: Ref, desired: Child | None, live: dict[str, Any] | None, owner_uid: str) -> Observed:
    """Return what status needs to know of ``live``, and how it stands to ``desired``."""
    wanted = desired is not None
    if live is None:
        return Observed(ref, State.MISSING if wanted else State.ABSENT, wanted)
    spec, status = live.get("spec") or {}, live.get("status") or {}
    facts = {"uid": live["metadata"].get("uid", ""), "generation": live["metadata"].get("generation", 0)}
    facts |= told_by(ref.kind, spec, status)
    return Observed(ref, _state(ref, desired, live, owner_uid), wanted, **facts)


def claim_facts(ref: Ref, live: dict[str, Any] | None, owner_uid: str) -> Claim | None:
    """Return what the live claim holds us to; None if it is missing, not ours, or being deleted."""
    if live is None or "deletionTimestamp" in live["metadata"] or not _owned(ref, live, owner_uid):
        return None
    spec = live["spec"]
    asked = (live["metadata"].get("annotations") or {}).get(ANNOTATION_STORAGE_CLASS)
    return Claim(
        request=spec["resources"]["requests"]["storage"],
        storage_class=spec.get("storageClassName") if asked is None else asked or None,
        access_modes=tuple(spec.get("accessModes") or ()),
        bound=bool(spec.get("volumeName")),
    )


def observe_pod(pod: dict[str, Any]) -> PodFacts:
    """Return what status needs to know of ``pod``."""
    meta, status = pod["metadata"], pod.get("status") or {}
    conditions = {item["type"]: item for item in status.get("conditions") or ()}
    scheduled = conditions.get("PodScheduled", {})
    unschedulable = scheduled.get("status") == "False" and scheduled.get("reason") == "Unschedulable"
    return PodFacts(
        name=meta["name"],
        component=(meta.get("labels") or {}).get(LABEL_COMPONENT, ""),
        phase=status.get("phase", "Pending"),
        ready=conditions.get("Ready", {}).get("status") == "True",
        terminating="deletionTimestamp" in meta,
        unschedulable=scheduled.get("message") or "no node fits" if unschedulable else "",
        containers=tuple(
            _container(item, init)
            for init, field in ((True, "initContainerStatuses"), (False, "containerStatuses"))
            for item in status.get(field) or ()
        ),
    )


def _state(ref: Ref, desired: Child | None, live: dict[str, Any], owner_uid: str) -> State:
    meta = live["metadata"]
    owned = _owned(ref, live, owner_uid) or (desired is not None and _retained_topic(desired, live))
    if not owned and not _predecessors(meta, owner_uid):
        return State.FOREIGN if desired else State.ABSENT
    if "deletionTimestamp" in meta or not owned:
        return State.TERMINATING
    if desired is None:
        return State.SURPLUS
    kept = _kept(desired.body, live)
    if _must_be_made_anew(desired.body, live, kept=kept):
        return State.SURPLUS
    if kept:
        return State.KEPT
    return State.MATCHES if matches(desired.body, live) else State.DIFFERS


def _owned(ref: Ref, live: dict[str, Any], owner_uid: str) -> bool:
    meta = live["metadata"]
    if any(owner.get("uid") == owner_uid for owner in meta.get("ownerReferences") or ()):
        return True
    workspace = (meta.get("annotations") or {}).get(ANNOTATION_RETAINED_FOR)
    return (
        ref.kind == "PersistentVolumeClaim"
        and workspace is not None
        and (meta.get("labels") or {}).get(LABEL_MANAGED_BY) == MANAGED_BY
        and ref.name in (workspace_claim(workspace), models_claim(workspace), checkpoints_claim(workspace))
    )


def _retained_topic(desired: Child, live: dict[str, Any]) -> bool:
    """Whether it is a KafkaTopic that was kept for this workspace; nobody owns one that it doesn't want."""
    meta, ours = live["metadata"], desired.body["metadata"]["labels"][LABEL_WORKSPACE]
    retained_for = (meta.get("annotations") or {}).get(ANNOTATION_RETAINED_FOR)
    return bool(desired.ref.kind == KAFKA_TOPIC.kind and retained_for == ours)


def _predecessors(meta: dict[str, Any], owner_uid: str) -> bool:
    """Whether it belongs to an earlier workspace of the same name, and garbage collection is due."""
    return any(
        owner.get("kind") == "AgentWorkspace"
        and owner.get("apiVersion") == API_VERSION
        and owner.get("uid") != owner_uid
        and owner.get("name") == (meta.get("labels") or {}).get(LABEL_WORKSPACE)
        for owner in meta.get("ownerReferences") or ()
    )


def _must_be_made_anew(desired: dict[str, Any], live: dict[str, Any], *, kept: bool) -> bool:
    """Whether it can't become what we want: a Job of another template, a claim without a volume."""
    if desired["kind"] == "Job":
        theirs = live["metadata"].get("annotations") or {}
        return not kept and desired["metadata"]["annotations"][ANNOTATION_CONFIG] != theirs.get(
            ANNOTATION_CONFIG
        )
    if desired["kind"] != "PersistentVolumeClaim" or live["spec"].get("volumeName"):
        return False
    asked = (live["metadata"].get("annotations") or {}).get(ANNOTATION_STORAGE_CLASS)
    if asked is not None and asked != desired["metadata"]["annotations"][ANNOTATION_STORAGE_CLASS]:
        return True
    return not matches(desired["spec"], live["spec"])


def _kept(desired: dict[str, Any], live: dict[str, Any]) -> bool:
    """Whether another operator rendered it for the same: an upgrade restarts nothing."""
    ours, theirs = desired["metadata"]["annotations"], live["metadata"].get("annotations") or {}
    return (
        ours[ANNOTATION_RENDERED_FOR] == theirs.get(ANNOTATION_RENDERED_FOR)
        and ours[ANNOTATION_RENDERED_BY] != theirs.get(ANNOTATION_RENDERED_BY)
        and ANNOTATION_RENDERED_BY in theirs
        and (desired.get("spec") or {}).get("replicas") == (live.get("spec") or {}).get("replicas")
    )


def _container(status: dict[str, Any], init: bool) -> ContainerFacts:
    state, last = status.get("state") or {}, status.get("lastState") or {}
    waiting = state.get("waiting") or {}
    ended = state.get("terminated") or last.get("terminated") or {}
    return ContainerFacts(
        name=status["name"],
        init=init,
        ready=status.get("ready", False),
        restarts=status.get("restartCount", 0),
        image=status.get("image", ""),
        waiting_reason=waiting.get("reason", ""),
        waiting_message=waiting.get("message", ""),
        exit_code=ended.get("exitCode"),
        exit_reason=ended.get("reason", ""),
        exit_message=ended.get("message", ""),
        termination=Termination.loads(ended.get("message", "")),
    )
