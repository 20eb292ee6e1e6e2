"""What a project asks of those who work on it: its AGENTS.md files."""

from __future__ import annotations

from dspy_agent.instructions.read import read

__all__ = ["read"]
