"""Names and settings of the Kafka topics that agent, Spark job and operator agree on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

_NAME: Final = re.compile(r"[a-zA-Z0-9._-]{1,249}", re.ASCII)
_APP: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)

# Windows end by the broker's clock: a replay then cuts them at the same records.
RAW_SETTINGS: Final[Mapping[str, str]] = {"message.timestamp.type": "LogAppendTime"}
# A dead letter is larger than its record by the headers that tell why it died.
_MAX_BYTES: Final = "max.message.bytes"
_DEAD_LETTER_BYTES: Final = 2 << 20
_HEADER_BYTES: Final = 64 << 10


@dataclass(frozen=True, slots=True)
class Topics:
    """The topics of one workspace; ``prefix`` is put before each name.

    >>> Topics("team.shop.").raw("web")
    'team.shop.logs.raw.web'
    """

    prefix: str = ""

    def raw(self, app: str) -> str:
        """Log lines of ``app`` as they were written."""
        return f"{self.prefix}logs.raw.{app}"

    def ctx(self, app: str) -> str:
        """Contexts of ``app``: the few events that matter of each window."""
        return f"{self.prefix}logs.ctx.{app}"

    def results(self, app: str) -> str:
        """What a worker makes of the contexts of ``app``."""
        return f"{self.prefix}agent.results.{app}"

    @property
    def learning(self) -> str:
        """One event for each step of an agent."""
        return f"{self.prefix}agent.learning"

    @property
    def metrics(self) -> str:
        """Measurements of the streams' programs."""
        return f"{self.prefix}agent.metrics"

    @property
    def errors(self) -> str:
        """Errors of the streams' programs."""
        return f"{self.prefix}agent.errors"

    def app_of(self, topic: str) -> str | None:
        """Return the app of a raw, ctx or results topic of this prefix, or None."""
        if not topic.startswith(self.prefix):
            return None
        for kind in ("logs.raw.", "logs.ctx.", "agent.results."):
            app = topic[len(self.prefix) :].removeprefix(kind)
            if len(app) < len(topic) - len(self.prefix) and _APP.fullmatch(app):
                return app
        return None


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """One topic as it should be. ``config`` holds only what differs from the broker's defaults."""

    name: str
    partitions: int
    replicas: int
    config: Mapping[str, str]


def dead_letters(topic: str) -> str:
    """Return the topic for the records of ``topic`` that can't be used."""
    return f"{topic}.dlq"


def is_app_name(name: str) -> bool:
    """Return whether ``name`` can be an app: a DNS label."""
    return bool(_APP.fullmatch(name))


def is_topic_name(name: str) -> bool:
    """Return whether Kafka takes ``name`` for a topic."""
    return bool(_NAME.fullmatch(name)) and name not in (".", "..")


def app_topics(
    topics: Topics, app: str, partitions: int = 1, replicas: int = 1, config: Mapping[str, str] | None = None
) -> Iterator[TopicSpec]:
    """Yield the topics of one app; ``config`` goes to each, but what a topic needs wins."""
    own = dict(config or {})
    dead = {**own, _MAX_BYTES: str(_dead_letter_bytes(own.get(_MAX_BYTES)))}
    yield TopicSpec(topics.raw(app), partitions, replicas, {**own, **RAW_SETTINGS})
    yield TopicSpec(topics.ctx(app), partitions, replicas, own)
    yield TopicSpec(topics.results(app), partitions, replicas, own)
    for topic in (topics.raw(app), topics.ctx(app), topics.results(app)):
        yield TopicSpec(dead_letters(topic), 1, replicas, dead)


def shared_topics(topics: Topics, replicas: int = 1) -> Iterator[TopicSpec]:
    """Yield the topics that all apps of a workspace share."""
    for name in (topics.learning, topics.metrics, topics.errors):
        yield TopicSpec(name, 1, replicas, {})
    yield TopicSpec(dead_letters(topics.learning), 1, replicas, {_MAX_BYTES: str(_DEAD_LETTER_BYTES)})


def _dead_letter_bytes(largest: str | None) -> int:
    said = int(largest) if largest and largest.isascii() and largest.isdigit() else 0
    return max(_DEAD_LETTER_BYTES, said + _HEADER_BYTES)
