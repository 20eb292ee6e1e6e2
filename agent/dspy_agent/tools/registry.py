"""All tools, in the order in which help lists them."""

from __future__ import annotations

from dspy_agent.tools.base import Tool
from dspy_agent.tools.rows.change import CHANGE
from dspy_agent.tools.rows.find import FIND
from dspy_agent.tools.rows.read import READ
from dspy_agent.tools.rows.run import RUN
from dspy_agent.tools.rows.think import THINK

TOOLS: tuple[Tool, ...] = (*READ, *FIND, *THINK, *CHANGE, *RUN)

BY_NAME: dict[str, Tool] = {tool.name: tool for tool in TOOLS}
