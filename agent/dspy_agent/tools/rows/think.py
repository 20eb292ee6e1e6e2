"""The tools that ask a model."""

from __future__ import annotations

from dspy_agent.tools import think_arguments as args
from dspy_agent.tools.base import Tool

THINK: tuple[Tool, ...] = (
    Tool(
        name="plan",
        summary="Plan a task in steps that can be taken here: action, file, command, risk and check.",
        arguments=args.PlanArguments,
        run="dspy_agent.tools.plan:run",
        render="dspy_agent.tools.plan:render",
        cost=30.0,
        cooldown=60,
        examples=(
            "dspy-agent plan 'make the retry of failed requests configurable'",
            "dspy-agent plan why does checkout fail --json",
        ),
        reads_logs=True,
        notes="dspy_agent.tools.plan:notes",
    ),
)
