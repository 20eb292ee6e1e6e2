"""How long each tool rests before it is suggested again: its row, the workspace's file, the environment.

    [cooldowns]
    grep = 0
    esearch = 10

in ``.dspy_agent.toml`` (``[tool.dspy-agent.cooldowns]`` of ``pyproject.toml``), or
``DSPY_AGENT_COOLDOWNS="grep=0,esearch=10"``, ``DSPY_AGENT_COOLDOWNS=off``. Only suggestions rest: what a user
or a model calls by name runs.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dspy_agent.model.workspace_file import OWN
from dspy_agent.tools.registry import TOOLS
from dspy_agent.workspace.files import read_toml
from dspy_agent_core.errors import UsageError

VARIABLE: Final = "DSPY_AGENT_COOLDOWNS"
_MOST_SECONDS: Final = 86_400.0


def cooldowns(workspace: Path, environ: Mapping[str, str] = os.environ) -> dict[str, float]:
    """Return the seconds that each tool rests.

    Raises:
        UsageError: a setting can't be meant.
    """
    rows = {tool.name: float(tool.cooldown) for tool in TOOLS}
    said = environ.get(VARIABLE, "").strip()
    if said.lower() == "off":
        return dict.fromkeys(rows, 0.0)
    pairs = [one.partition("=") for one in said.split(",") if one.strip()]
    given = {name.strip(): value.strip() for name, _, value in pairs}
    return {**rows, **_checked(OWN, _of_workspace(workspace), rows), **_checked(VARIABLE, given, rows)}


def _of_workspace(workspace: Path) -> Any:
    own = read_toml(workspace / OWN)
    shared = read_toml(workspace / "pyproject.toml").get("tool", {}) if not own else {}
    table = shared.get("dspy-agent", {}) if isinstance(shared, dict) else {}
    return own.get("cooldowns") or (table.get("cooldowns") if isinstance(table, dict) else None) or {}


def _checked(place: str, table: Any, rows: Mapping[str, float]) -> dict[str, float]:
    if not isinstance(table, Mapping):
        raise _bad(place, "has cooldowns that are no table")
    found: dict[str, float] = {}
    for name, value in table.items():
        try:
            seconds = float(value)
        except (TypeError, ValueError):
            seconds = -1.0
        if name not in rows:
            raise _bad(place, f"names {str(name)[:40]!r}, which is no tool")
        if isinstance(value, bool) or not 0 <= seconds <= _MOST_SECONDS:
            raise _bad(place, f"lets {name} rest {str(value)[:40]!r}, which is not from 0 to 86400 seconds")
        found[name] = seconds
    return found


def _bad(place: str, why: str) -> UsageError:
    return UsageError(f"{place} {why}.", code="BadCooldown", next=f"Write it as in grep = 2, in {place}.")
