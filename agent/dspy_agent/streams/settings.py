"""Where the streams' settings are found in the agent."""

from __future__ import annotations

from typing import Final

from dspy_agent_core.streams.settings import (
    APPS_VARIABLE,
    BOOTSTRAP_VARIABLE,
    CONFIG_VARIABLE,
    PREFIX_VARIABLE,
    StreamSettings,
    stream_settings,
)

__all__ = [
    "APPS_VARIABLE",
    "BOOTSTRAP_VARIABLE",
    "CONFIG_VARIABLE",
    "PREFIX_VARIABLE",
    "ROUTER_VARIABLE",
    "StreamSettings",
    "stream_settings",
]

ROUTER_VARIABLE: Final = "DSPY_AGENT_ROUTER"
