"""Makes learning events: ``LearningEvent`` as plain data, so that a one-shot command needs no pydantic."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

from dspy_agent.workspace.paths import display
from dspy_agent_core.contracts.cluster import WORKSPACE_NAME

LOG_NAME: Final = ".dspy_rl_events.jsonl"

Event = dict[str, Any]
Scalar = bool | int | float | str

_SCHEMA_VERSION: Final = 1
SESSION: Final = os.urandom(6).hex()


class Choice(NamedTuple):
    """A tool that ``policy`` (its name, its version) chose, and the arguments that it got, as a hash."""

    decision_id: str
    tool: str
    args_hash: str
    policy: tuple[str, str]


def new_decision_id() -> str:
    """Return an id that no other decision has."""
    return os.urandom(8).hex()


def workspace_name(workspace: Path) -> str:
    """Return the name that events tell: the AgentWorkspace's in a cluster, elsewhere the folder's."""
    return (os.environ.get(WORKSPACE_NAME) or display(workspace.name))[:255]


def new_event(
    choice: Choice,
    outcome: dict[str, Scalar],
    *,
    id: str,
    workspace: Path,
    source: str,
    cost_ms: float = 0.0,
    features: Mapping[str, float] | None = None,
    mask: Sequence[str] = (),
    propensity: float | None = None,
    reward: float | None = None,
) -> Event:
    """Return an event of now, with the fields of ``LearningEvent``; what is not known is left out."""
    now = datetime.fromtimestamp(time.time(), UTC)
    event: Event = {
        "schema_version": _SCHEMA_VERSION,
        "id": id,
        "ts": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "workspace": workspace_name(workspace),
        "session": SESSION,
        "decision_id": choice.decision_id,
        "policy": {"name": choice.policy[0], "version": choice.policy[1]},
        "tool": choice.tool,
        "args_hash": choice.args_hash,
        "features": dict(features or {}),
        "mask": list(mask),
        "cost_ms": round(cost_ms, 3),
        "outcome": outcome,
        "source": source,
    }
    known = {"propensity": propensity, "reward": reward}
    return event | {name: value for name, value in known.items() if value is not None}


def encode(event: Event) -> bytes:
    """Return ``event`` as a line without its end."""
    return json.dumps(event, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
