"""What the tests of the policy's state share: events, and the fold that all must agree with."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.log import Reader, append
from dspy_agent.learning.policy_state import Policies, tell
from dspy_agent.learning.prior_file import prior_of
from dspy_agent_core.bandit.learner import replay
from dspy_agent_core.contracts.messages import LearningEvent, Policy

_START = 1_767_225_600
TOOLS = ("esearch", "grep", "codectx")


def workspace_at(folder: Path) -> Path:
    """Make a workspace that was indexed."""
    (folder / ".dspy_index").mkdir(parents=True)
    return folder


def snapshot(workspace: Path, say: Callable[[str], None] = tell) -> bool:
    """Bring the state file up to the event log; return whether it was written."""
    return Policies(workspace, say).save()


def decision(
    name: str, tool: str = "grep", *, reward: float = 0.0, seconds: int = 0, **more: object
) -> LearningEvent:
    """Return the event of a choice; what its context was follows from its name."""
    bits = hashlib.sha256(name.encode()).digest()
    return LearningEvent.model_validate(
        {
            "id": name,
            "ts": datetime.fromtimestamp(_START + seconds, UTC).isoformat(),
            "workspace": "shop",
            "session": "s",
            "decision_id": name,
            "policy": Policy(name="greedy", version="1"),
            "tool": tool,
            "args_hash": "00",
            "features": {f"f{number}": bits[number] / 255 for number in range(4)},
            "mask": [],
            "propensity": 0.5,
            "cost_ms": 1.5,
            "outcome": {"hits": 1},
            "reward": reward,
            "source": "cli",
            **more,
        }
    )


def outcome(of: str, what: str, reward: float, **more: object) -> LearningEvent:
    """Return an event of something that came of the decision ``of``."""
    return decision(of, **more).model_copy(update={"id": f"{of}-{what}", "reward": reward})  # type: ignore[arg-type]


def told(workspace: Path, *events: LearningEvent) -> None:
    """Put ``events`` into the workspace's log."""
    append(workspace / LOG_NAME, [event.encode() for event in events])


def folded(workspace: Path) -> bytes:
    """Return the state that the workspace's log has as a whole."""
    sentences: list[str] = []
    return replay(Reader(workspace / LOG_NAME), prior_of(workspace, sentences.append)).encode()


def ids(events: Iterable[LearningEvent]) -> list[str]:
    """Return the events' ids."""
    return [event.id for event in events]
