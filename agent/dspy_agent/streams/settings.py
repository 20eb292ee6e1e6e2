"""Variables of the environment that only the agent's own programs read."""

from __future__ import annotations

from typing import Final

ROUTER_VARIABLE: Final = "DSPY_AGENT_ROUTER"
