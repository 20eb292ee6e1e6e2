"""Puts the reward of an event into it: what it is made of follows from its outcome and cost alone."""

from __future__ import annotations

from dspy_agent.learning.event import Event


def parts(event: Event) -> dict[str, float]:
    """Return what the reward of ``event`` is made of, by name. Only the decision itself costs time."""
    from dspy_agent_core.bandit.rewards import parts_of

    is_decision = event["id"] == event["decision_id"]
    return parts_of(event["tool"], event["outcome"], event["cost_ms"] if is_decision else 0.0)


def with_reward(event: Event) -> Event:
    """Return ``event`` with its reward."""
    from dspy_agent_core.bandit.rewards import total

    return event | {"reward": round(total(parts(event)), 6)}
