"""When a workspace runs, and when that changes next: facts of its spec, its last activity and the clock."""

from __future__ import annotations

from dataclasses import dataclass

from dspy_operator.api.workspace import Workspace
from dspy_operator.facts import Facts


@dataclass(frozen=True, slots=True)
class Suspension:
    """Why a workspace is suspended: ``reason`` is OperatingMode, IdleTimeout or ShutdownTime."""

    reason: str
    message: str


def suspension(workspace: Workspace, facts: Facts) -> Suspension | None:
    """Return why ``workspace`` is suspended at ``facts.now``, or None if it runs."""
    raise NotImplementedError


def due_for_deletion(workspace: Workspace, facts: Facts) -> bool:
    """Whether ``shutdownTime`` has passed and ``shutdownPolicy`` is Delete."""
    raise NotImplementedError


def next_deadline(workspace: Workspace, facts: Facts) -> float | None:
    """Return the seconds until the clock alone changes the answer of this module, or None."""
    raise NotImplementedError
