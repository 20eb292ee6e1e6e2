"""Checks of the log streams, where the environment names a broker or a router."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from dspy_agent.doctor.model import OK, WARN, Check
from dspy_agent.doctor.words import redacted, why
from dspy_agent.streams.settings import ROUTER_VARIABLE
from dspy_agent_core.contracts.topics import Topics, app_topics, shared_topics
from dspy_agent_core.errors import AgentError
from dspy_agent_core.streams.settings import (
    APPS_VARIABLE,
    BOOTSTRAP_VARIABLE,
    CONFIG_VARIABLE,
    PREFIX_VARIABLE,
    StreamSettings,
    stream_settings,
)

_SECONDS: Final = 1.0
_SHOWN: Final = 3


def kafka() -> list[Check]:
    """Check that a broker answers, if one is named, and that it has the topics."""
    bootstrap = os.environ.get(BOOTSTRAP_VARIABLE, "").strip()
    if not bootstrap:
        return []
    file = os.environ.get(CONFIG_VARIABLE)
    apps = tuple(os.environ.get(APPS_VARIABLE, "").split())
    try:
        settings = stream_settings(
            bootstrap, os.environ.get(PREFIX_VARIABLE, ""), apps, Path(file) if file else None
        )
        if not settings.config and (trouble := _no_broker(bootstrap)):
            return [trouble]
        if find_spec("confluent_kafka") is None:
            install = "uv tool install './agent[streams]'"
            return [
                Check("kafka", WARN, f"the Kafka client is not installed, {bootstrap} not asked", install)
            ]
        return [Check("kafka", OK, f"a broker answers at {bootstrap}"), _topics(settings)]
    except AgentError as error:
        return [Check("kafka", WARN, error.message, error.next)]


def _topics(settings: StreamSettings) -> Check:
    from dspy_agent.streams.kafka import topic_names

    known = topic_names(settings, 2 * _SECONDS)
    topics = settings.topics
    apps = settings.apps or tuple(sorted({app for name in known if (app := topics.app_of(name))}))
    if not apps:
        return Check("topics", WARN, "there are none of any app", "dspy-agent stream topics --app NAME")
    missing = _missing(topics, apps, known)
    if not missing:
        return Check("topics", OK, f"all there for {', '.join(apps)}")
    more = f" and {len(missing) - _SHOWN} more" if len(missing) > _SHOWN else ""
    words = " ".join(f"--app {app}" for app in apps)
    return Check(
        "topics", WARN, f"missing: {', '.join(missing[:_SHOWN])}{more}", f"dspy-agent stream topics {words}"
    )


def _missing(topics: Topics, apps: Collection[str], known: Collection[str]) -> list[str]:
    wanted = [spec.name for app in apps for spec in app_topics(topics, app)]
    wanted += [spec.name for spec in shared_topics(topics)]
    return [name for name in wanted if name not in known]


def router() -> list[Check]:
    """Check that the router answers, if one is named, and that it serves something."""
    url = os.environ.get(ROUTER_VARIABLE, "")
    if not url:
        return []
    from dspy_agent.logs.remote import RouterClient, RouterDown

    shown = redacted(url)
    start = "dspy-agent stream router"
    try:
        served = RouterClient(url).apps()
    except AgentError as error:
        return [Check("router", WARN, error.message, error.next)]
    except RouterDown as error:
        return [Check("router", WARN, f"no router at {shown}: {error}", start)]
    if served.trouble:
        return [Check("router", WARN, f"{shown} serves old contexts: {served.trouble}", start)]
    if not served.apps:
        return [Check("router", WARN, f"{shown} knows no app yet", "dspy-agent stream topics --app NAME")]
    return [Check("router", OK, f"{', '.join(served.apps)} at {shown}")]


def _no_broker(bootstrap: str) -> Check | None:
    """Return what to tell if no plain broker answers; a few packets say it faster than the client."""
    failures = []
    for server in [part.strip() for part in bootstrap.split(",") if part.strip()][:3]:
        try:
            _ask_kafka(server)
            return None
        except (OSError, ValueError) as error:
            failures.append(f"{server}: {why(error)}")
    return Check(
        "kafka", WARN, f"no broker answers at {'; '.join(failures)}", f"export {BOOTSTRAP_VARIABLE}=HOST:PORT"
    )


def _ask_kafka(server: str) -> None:
    """Send an ApiVersions request (key 18, version 0) and check that its answer is one.

    Raises:
        OSError, ValueError: nothing, or no broker, is there.
    """
    host, _, port = server.rpartition(":")
    request = struct.pack(">hhih", 18, 0, 7, -1)
    with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        answer = b""
        while len(answer) < 8:
            piece = connection.recv(64)
            if not piece:
                raise ValueError("what answers there is not Kafka")
            answer += piece
    if struct.unpack(">i", answer[4:8])[0] != 7:
        raise ValueError("what answers there is not Kafka")
