"""The tools that ask a model."""

from __future__ import annotations

from dspy_agent.tools.base import Tool

THINK: tuple[Tool, ...] = ()
