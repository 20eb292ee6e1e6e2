"""The tools about this installation."""

from __future__ import annotations

from dspy_agent.tools import arguments as args
from dspy_agent.tools.base import Tool

RUN: tuple[Tool, ...] = (
    Tool(
        name="doctor",
        summary="Check what is missing here, and show the command that mends it.",
        arguments=args.DoctorArguments,
        run="dspy_agent.tools.doctor:run",
        render="dspy_agent.tools.doctor:render",
        cost=1.0,
        cooldown=60,
        examples=("dspy-agent doctor", "dspy-agent doctor --json"),
        reads_logs=True,
    ),
)
