"""How the streams' programs reach Kafka: from options, the environment, and a file of client properties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent_core.contracts.topics import Topics, is_app_name
from dspy_agent_core.errors import UsageError

BOOTSTRAP_VARIABLE: Final = "KAFKA_BOOTSTRAP"
PREFIX_VARIABLE: Final = "DSPY_AGENT_TOPIC_PREFIX"
APPS_VARIABLE: Final = "DSPY_AGENT_APPS"
CONFIG_VARIABLE: Final = "DSPY_AGENT_KAFKA_CONFIG"


@dataclass(frozen=True, slots=True)
class StreamSettings:
    """One Kafka cluster and the topics of one workspace in it.

    Args:
        bootstrap: ``host:port``, or several with commas between.
        topics: names of the topics.
        apps: the apps to serve.
        config: client properties as librdkafka names them, such as ``security.protocol``.
    """

    bootstrap: str
    topics: Topics
    apps: tuple[str, ...]
    config: Mapping[str, str]


def stream_settings(
    bootstrap: str | None, prefix: str, apps: tuple[str, ...], config_file: Path | None
) -> StreamSettings:
    """Return the settings that the options say.

    Raises:
        UsageError: there is no broker named, a name can't be an app, or the file can't be read.
    """
    if not bootstrap:
        raise UsageError(
            "No Kafka broker is named.",
            code="NoBroker",
            next=f"Name one: --bootstrap HOST:PORT, or set {BOOTSTRAP_VARIABLE}.",
        )
    wrong = next((app for app in apps if not is_app_name(app)), None)
    if wrong is not None:
        raise UsageError(
            f"{wrong!r} can't be the name of an app.",
            code="BadApp",
            next="Use up to 63 small letters, digits and '-', such as web-api.",
        )
    return StreamSettings(bootstrap, Topics(prefix), apps, _properties(config_file) if config_file else {})


def _properties(file: Path) -> dict[str, str]:
    """Read ``name=value`` lines; ``#`` starts a comment line."""
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The client properties in {file} can't be read: {error}.",
            code="BadKafkaConfig",
            next="Name a file with lines such as security.protocol=SASL_SSL.",
        ) from None
    said = {
        number: line.partition("=")
        for number, line in enumerate(lines, 1)
        if line.strip() and not line.lstrip().startswith("#")
    }
    wrong = next((number for number, (_, equals, _) in said.items() if not equals), None)
    if wrong is not None:
        raise UsageError(  # without its words: it can hold a password
            f"Line {wrong} of {file} is no client property.",
            code="BadKafkaConfig",
            next="Write one name=value on each line.",
        )
    return {name.strip(): value.strip() for name, _, value in said.values()}
