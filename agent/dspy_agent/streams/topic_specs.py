"""The apps whose topics ``stream topics`` keeps: from options, or from a file of JSON or YAML."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Final

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from dspy_agent_core.contracts.topics import (
    Topics,
    TopicSpec,
    app_topics,
    is_app_name,
    is_topic_name,
    shared_topics,
)
from dspy_agent_core.errors import UsageError

SPEC_VARIABLE: Final = "DSPY_AGENT_TOPICS_SPEC"


def _as_text(value: Any) -> Any:
    """Return numbers and booleans of YAML as Kafka writes them."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float) else value


class AppSpec(BaseModel):
    """The topics of one app, as in ``spec.streaming.apps`` of an AgentWorkspace."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    partitions: int = Field(1, ge=1, le=10_000)
    replicas: int = Field(1, ge=1, le=1000)
    config: dict[str, Annotated[str, BeforeValidator(_as_text)]] = Field(default_factory=dict)


def parse_specs(text: str, where: str) -> list[AppSpec]:
    """Return the apps in ``text``, a JSON or YAML list; ``where`` names it in errors.

    Raises:
        UsageError: it can't be read, or a field is off.
    """
    try:
        return _checked(TypeAdapter(list[AppSpec]).validate_python(yaml.safe_load(text) or []))
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        problem = f"{'.'.join(map(str, first['loc'])) or 'the whole'}: {first['msg']}"
    except RecursionError:
        problem = "it is nested too deeply"
    raise UsageError(
        f"The topics in {where} can't be read: {problem}.",
        code="BadTopicsSpec",
        next='Write a list such as [{"name": "web", "partitions": 3, "replicas": 1, "config": {}}].',
    )


def choose(specs: list[AppSpec], names: Iterable[str]) -> list[AppSpec]:
    """Return the specs of the apps ``names``; all if there is none.

    Raises:
        UsageError: an app has no spec.
    """
    known = {spec.name: spec for spec in specs}
    names = dict.fromkeys(names)
    missing = next((name for name in names if name not in known), None)
    if missing is not None:
        raise UsageError(f"The spec has no app {missing!r}.", code="BadApp", next="Add it to the spec.")
    return [known[name] for name in names] or specs


def parse_config(pairs: Iterable[str]) -> dict[str, str]:
    """Return the settings in ``name=value`` words."""
    split = [pair.partition("=") for pair in pairs]
    wrong = next((name for name, equals, _ in split if not equals or not name.strip()), None)
    if wrong is not None:
        raise UsageError(
            f"--config {wrong!r} is no setting.",
            code="BadUsage",
            next="Write name=value, such as --config retention.ms=86400000.",
        )
    return {name.strip(): value.strip() for name, _, value in split}


def topics_of(apps: Iterable[AppSpec], topics: Topics) -> Iterator[TopicSpec]:
    """Yield the topics of ``apps``, and those that they share.

    Raises:
        UsageError: the prefix makes a name that Kafka does not take.
    """
    apps = list(apps)
    made = [
        spec
        for app in apps
        for spec in app_topics(topics, app.name, app.partitions, app.replicas, app.config)
    ]
    made += shared_topics(topics, max((app.replicas for app in apps), default=1))
    for spec in made:
        if not is_topic_name(spec.name):
            raise UsageError(
                f"Kafka takes no topic {spec.name!r}.",
                code="BadTopicName",
                next="Use letters, digits, '.', '_' and '-' in --topic-prefix, 249 in all.",
            )
    yield from made


def _checked(specs: list[AppSpec]) -> list[AppSpec]:
    names = [spec.name for spec in specs]
    for name in names:
        if not is_app_name(name) or names.count(name) > 1:
            why = "is named twice" if is_app_name(name) else "can't be the name of an app"
            raise UsageError(
                f"{name!r} {why}.",
                code="BadApp",
                next="Name each app once: up to 63 small letters, digits and '-', such as web-api.",
            )
    return specs
