"""The error of a store on another machine."""

from __future__ import annotations

from dspy_agent_core.errors import MissingRequirement


class VectorStoreError(MissingRequirement):
    """The vector store is not there, or fails: what needs no vectors still works."""
