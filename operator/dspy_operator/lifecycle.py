"""When a workspace runs, and when that changes next: facts of its spec, its last activity and the clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from dspy_agent_core.contracts.cluster import ANNOTATION_LAST_ACTIVITY
from dspy_operator.api.workspace import Workspace
from dspy_operator.facts import Facts

_CLOCK_SKEW: Final = timedelta(hours=1)  # a last activity further ahead is a mistake


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why a workspace is suspended: ``reason`` is OperatingMode, IdleTimeout or ShutdownTime."""

    reason: str
    message: str


def suspension(workspace: Workspace, facts: Facts) -> Suspension | None:
    """Return why ``workspace`` is suspended at ``facts.now``, or None if it runs."""
    if workspace.spec.operating_mode == "Suspended":
        return Suspension("OperatingMode", "spec.operatingMode is Suspended; set it to Running to go on.")
    shutdown = shutdown_time(workspace)
    if shutdown and facts.now >= shutdown:
        return Suspension(
            "ShutdownTime",
            f"spec.lifecycle.shutdownTime {shutdown.isoformat()} has passed; move or remove it to go on.",
        )
    idle = idle_deadline(workspace, facts)
    if idle and facts.now >= idle:
        seconds = workspace.spec.lifecycle.idle_timeout_seconds
        return Suspension(
            "IdleTimeout",
            f"No activity for {seconds} seconds; `dspy-agent connect {workspace.meta.name}` resumes it.",
        )
    return None


def due_for_deletion(workspace: Workspace, facts: Facts) -> bool:
    """Whether ``shutdownTime`` has passed and ``shutdownPolicy`` is Delete."""
    shutdown = shutdown_time(workspace)
    policy = workspace.spec.lifecycle.shutdown_policy
    return shutdown is not None and policy == "Delete" and facts.now >= shutdown


def next_deadline(workspace: Workspace, facts: Facts) -> float | None:
    """Return the seconds until the clock alone changes desired children or status, or None."""
    deadlines = [shutdown_time(workspace), progress_deadline(workspace, facts)]
    if suspension(workspace, facts) is None:
        deadlines.append(idle_deadline(workspace, facts))
    left = [(moment - facts.now).total_seconds() for moment in deadlines if moment]
    return min((seconds for seconds in left if seconds > 0), default=None)


def shutdown_time(workspace: Workspace) -> datetime | None:
    """Return ``shutdownTime`` with its time zone, UTC by default."""
    moment = workspace.spec.lifecycle.shutdown_time
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment


def last_activity(workspace: Workspace, facts: Facts) -> datetime:
    """Return when the workspace was last used; a new spec is a use."""
    if spec_is_new(workspace):
        return facts.now
    moments = (
        workspace.meta.annotations.get(ANNOTATION_LAST_ACTIVITY),
        workspace.status.get("lastActivityTime"),
    )
    latest = facts.now + _CLOCK_SKEW
    known = [moment for moment in map(instant, moments) if moment and moment <= latest]
    return max([workspace.meta.created, *known])


def idle_deadline(workspace: Workspace, facts: Facts) -> datetime | None:
    """Return when the workspace is suspended for want of activity, or None."""
    seconds = workspace.spec.lifecycle.idle_timeout_seconds
    return last_activity(workspace, facts) + timedelta(seconds=seconds) if seconds else None


def progress_deadline(workspace: Workspace, facts: Facts) -> datetime | None:
    """Return until when the workspace must be ready, or None if it is, or is suspended."""
    conditions = {item["type"]: item for item in workspace.status.get("conditions") or ()}
    ready = conditions.get("Ready", {})
    if ready.get("status") == "True" or ready.get("reason") == "Suspended":
        return None
    started = instant(workspace.status.get("progressStartedTime"))
    if spec_is_new(workspace):
        started = None
    return (started or facts.now) + timedelta(seconds=workspace.spec.progress_deadline_seconds)


def spec_is_new(workspace: Workspace) -> bool:
    """Whether a status was written before, for an older spec."""
    seen = workspace.status.get("observedGeneration")
    return seen is not None and seen != workspace.meta.generation


def instant(text: str | None) -> datetime | None:
    """Return an RFC 3339 time, UTC by default; None for none, or for one that can't be read."""
    try:
        moment = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
