"""What the pure core is told about the world outside the resource itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dspy_agent_core.contracts.cluster import PullProgress, Termination
from dspy_operator.children import Kind, Ref


@dataclass(frozen=True, slots=True)
class Claim:
    """What a live PersistentVolumeClaim holds us to: once bound, only its request may change, upwards.

    Args:
        request: the live request, as the API server wrote it.
        storage_class: the class that was asked for, None for the cluster's default.
        access_modes: the live access modes.
        bound: whether it has a volume.
    """

    request: str
    storage_class: str | None
    access_modes: tuple[str, ...]
    bound: bool


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer of the API server to an apply that trying again won't mend: HTTP status and message."""

    code: int
    message: str


@dataclass(frozen=True, slots=True)
class Event:
    """An event on a child: ``reason`` and ``message`` as in ``kubectl describe``."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that ``desired`` and ``status`` know besides the workspace and its children.

    Args:
        now: the time, timezone-aware.
        claims: live claims by name, see ``observe.claim_facts``; leave out claims that are missing,
            not ours, or being deleted.
        refusals: what the API server said to applies of this pass.
        events: events of children that are not ready, newest last (claims, StatefulSet, Deployment).
        pull: the last line of the ``model-pull`` container's log, while the model is not ready.
        vectors: the last line of the ``vectors`` container's log, if it tells of a failure.
        served: which of ``children.OPTIONAL_KINDS`` the cluster has.
    """

    now: datetime
    claims: Mapping[str, Claim] = field(default_factory=dict)
    refusals: Mapping[Ref, Refusal] = field(default_factory=dict)
    events: Mapping[Ref, tuple[Event, ...]] = field(default_factory=dict)
    pull: PullProgress | None = None
    vectors: Termination | None = None
    served: frozenset[Kind] = frozenset()
