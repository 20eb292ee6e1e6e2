"""What members of a consumer group share: the topics they subscribe to, and what a failed read means."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dspy_agent.streams.broker import refused
from dspy_agent.streams.program import Program
from dspy_agent_core.errors import ClusterError
from dspy_agent_core.streams.settings import StreamSettings


def subscription(settings: StreamSettings, topic_of: Callable[[str], str]) -> list[str]:
    """Return the topic of each app, as ``topic_of`` names it; without apps a pattern of those of all."""
    if settings.apps:
        return [topic_of(app) for app in settings.apps]
    start = topic_of("").replace(".", "\\.")
    return [f"^{start}[a-z0-9]([a-z0-9-]*[a-z0-9])?$"]


def topic_part(topic: str) -> str:
    """Return the part of a program's health that ``topic`` is."""
    return f"topic {topic}"


def take_read_error(
    error: Any, topic: str, program: Program, settings: StreamSettings, *, once: bool
) -> None:
    """Tell of a read that failed; ``once``: a missing topic is not waited for.

    Raises:
        ClusterError: the broker does not let us read, or the topic is missing in a run with ``once``.
    """
    from confluent_kafka import KafkaError

    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        next_step = f"dspy-agent stream topics --app {settings.topics.app_of(topic) or 'NAME'}"
        if once:
            raise ClusterError(f"The topic {topic} does not exist.", code="TopicMissing", next=next_step)
        if program.health.unready(topic_part(topic), f"waits for the topic {topic}"):
            program.report("TopicMissing", f"Waits for the topic {topic}; make it: {next_step}")
    elif stop := refused(error, f"the topic {topic}" if topic else "its group"):
        raise stop
    elif error.code() != KafkaError._MAX_POLL_EXCEEDED:
        program.report("ReadError", f"{topic}: {error.str()}")
