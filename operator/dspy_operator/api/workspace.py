"""AgentWorkspace: one team's agent beside its code and logs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dspy_operator.api.metadata import InvalidSpec, Metadata

__all__ = ["InvalidSpec", "Metadata", "Workspace", "WorkspaceSpec", "parse"]


class WorkspaceSpec:
    """Filled in below."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A parsed AgentWorkspace."""

    meta: Metadata
    spec: WorkspaceSpec


def parse(obj: Mapping[str, Any]) -> Workspace:
    """Return the workspace in ``obj`` (as the API server answers it), defaults filled in.

    Raises:
        InvalidSpec: the spec does not fit the model.
    """
    raise NotImplementedError
