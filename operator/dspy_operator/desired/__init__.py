"""Which objects a workspace should have: pure functions of the resource, facts and settings."""

from __future__ import annotations

from dspy_operator.api.workspace import Workspace
from dspy_operator.children import Child
from dspy_operator.facts import Facts
from dspy_operator.lifecycle import next_deadline, suspension
from dspy_operator.settings import Settings

__all__ = ["desired", "next_deadline", "suspension"]


def desired(workspace: Workspace, facts: Facts, settings: Settings) -> list[Child]:
    """Return the children that ``workspace`` should have now, in the order of applying."""
    raise NotImplementedError
