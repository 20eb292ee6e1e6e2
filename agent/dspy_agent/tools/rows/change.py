"""The tools that change files, and undo that."""

from __future__ import annotations

from dspy_agent.tools.base import Tool

CHANGE: tuple[Tool, ...] = ()
