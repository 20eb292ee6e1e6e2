"""All tools, in the order in which help lists them."""

from __future__ import annotations

from dspy_agent.tools import arguments as args
from dspy_agent.tools.base import Tool

TOOLS: tuple[Tool, ...] = (
    Tool(
        name="ls",
        summary="List the files of a folder.",
        arguments=args.LsArguments,
        run="dspy_agent.tools.ls:run",
        render="dspy_agent.tools.ls:render",
        cost=0.01,
        cooldown=0,
        examples=("dspy-agent ls src", "dspy-agent ls --json"),
    ),
)

BY_NAME: dict[str, Tool] = {tool.name: tool for tool in TOOLS}
