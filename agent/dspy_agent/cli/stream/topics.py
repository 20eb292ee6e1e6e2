"""``stream topics``: create and check the topics of the apps."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dspy_agent.cli.output import print_json
from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, JsonOption, PrefixOption

if TYPE_CHECKING:
    from dspy_agent.streams.topic_plan import TopicPlan
    from dspy_agent.streams.topic_specs import AppSpec
    from dspy_agent_core.errors import AgentError

_EPILOG = """$ dspy-agent stream topics --app web --app worker --partitions 3

$ dspy-agent stream topics --app web --config retention.ms=86400000

$ dspy-agent stream topics --spec topics.yaml --check

A spec is a JSON or YAML list: [{"name": "web", "partitions": 3, "replicas": 2, "config": {"retention.ms":
"86400000"}}]. It says all: settings that it does not name go back to the broker's default. With --app only
those of its apps are looked at."""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("topics", epilog=_EPILOG)(topics)


def topics(
    apps: AppsOption = None,
    partitions: Annotated[
        int | None,
        typer.Option("--partitions", min=1, show_default="1", help="Partitions of each app's topics."),
    ] = None,
    replicas: Annotated[
        int | None, typer.Option("--replicas", min=1, show_default="1", help="Replicas of each partition.")
    ] = None,
    config: Annotated[
        list[str] | None,
        typer.Option(
            "--config",
            metavar="NAME=VALUE",
            show_default=False,
            help="A setting of the apps' topics, such as retention.ms=86400000 (repeatable).",
        ),
    ] = None,
    spec: Annotated[
        str | None,
        typer.Option(
            "--spec",
            metavar="FILE",
            show_default=False,
            help="A file that says it for each app; -: stdin. DSPY_AGENT_TOPICS_SPEC may hold it too.",
        ),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Change nothing; exit code 1 if something differs.")
    ] = False,
    timeout: Annotated[
        float, typer.Option("--timeout", min=0, metavar="SECONDS", help="How long to wait for the broker.")
    ] = 60.0,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    as_json: JsonOption = False,
) -> int:
    """Create and check the topics of the apps.

    Missing topics are created, partitions added, settings corrected; partitions are never taken away.
    Safe to run again, and at once with another run.
    """
    from dspy_agent_core.errors import AgentError

    try:
        names = tuple(apps or ())
        options = {"partitions": partitions, "replicas": replicas, "config": config}
        wanted, reset = _apps(names, spec, options)
        return _run(wanted, reset, check, timeout, (bootstrap, prefix, kafka_config), as_json)
    except AgentError as error:
        _leave(error)
        raise


def _run(
    apps: list[AppSpec],
    reset: bool,
    check: bool,
    timeout: float,
    where: tuple[str | None, str, Path | None],
    as_json: bool,
) -> int:
    from dspy_agent.streams.topic_specs import topics_of
    from dspy_agent.streams.topics import TopicKeeper
    from dspy_agent_core.streams.settings import stream_settings

    bootstrap, prefix, kafka_config = where
    settings = stream_settings(bootstrap, prefix, tuple(app.name for app in apps), kafka_config)
    wanted = list(topics_of(apps, settings.topics))
    said: list[str] = []

    def tell(text: str) -> None:
        if text not in said[-1:]:
            said.append(text)
            sys.stderr.write(f"{text}\n")

    keeper = TopicKeeper(settings, wanted, reset=reset, timeout=timeout, tell=tell)
    plans = keeper.compare() if check else keeper.apply()
    if as_json:
        print_json({"topics": [_facts(item, check) for item in plans]})
    else:
        _print_table(plans, check)
    if not check:
        _tell_replicas(plans)
    return 1 if check and any(plans) else 0


def _apps(names: tuple[str, ...], spec: str | None, options: dict[str, Any]) -> tuple[list[AppSpec], bool]:
    """Return the apps, and whether a spec says all about them."""
    from dspy_agent.streams.topic_specs import SPEC_VARIABLE, AppSpec, choose, parse_config, parse_specs
    from dspy_agent_core.errors import UsageError

    text = _read(spec) if spec is not None else os.environ.get(SPEC_VARIABLE)
    if text is None and not names:
        raise UsageError("No app is named.", code="NoApps", next="Name them: --app NAME, or --spec FILE.")
    if text is None:
        own = parse_config(options["config"] or ())
        numbers = {name: options[name] or 1 for name in ("partitions", "replicas")}
        return [AppSpec(name=name, config=own, **numbers) for name in dict.fromkeys(names)], False
    given = next((f"--{name}" for name, value in options.items() if value), None)
    if given:
        raise UsageError(
            f"{given} and a spec don't go together.", code="BadUsage", next="Write it into the spec."
        )
    return choose(parse_specs(text, spec or SPEC_VARIABLE), names), True


def _read(spec: str) -> str:
    from dspy_agent_core.errors import UsageError

    try:
        return sys.stdin.read() if spec == "-" else Path(spec).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"The topics in {spec} can't be read: {getattr(error, 'strerror', None) or error}.",
            code="BadTopicsSpec",
            next="Name a file with a JSON or YAML list.",
        ) from None


def _state(item: TopicPlan, check: bool) -> str:
    if item.missing:
        return "missing" if check else "created"
    if not item.differences or (not check and not item.can_be_applied):
        return "ok" if not item.differences else "differs"
    return "differs" if check else "changed"


def _facts(item: TopicPlan, check: bool) -> dict[str, Any]:
    return {
        "topic": item.spec.name,
        "partitions": item.spec.partitions,
        "replicas": item.spec.replicas,
        "config": dict(item.spec.config),
        "state": _state(item, check),
        "differences": [
            {"what": one.what, "found": one.found, "wanted": one.wanted} for one in item.differences
        ],
    }


def _print_table(plans: list[TopicPlan], check: bool) -> None:
    width = max([5, *(len(item.spec.name) for item in plans)])
    sys.stdout.write(f"{'TOPIC':<{width}}  PARTITIONS  REPLICAS  STATE\n")
    for item in plans:
        differences = ", ".join(
            f"{one.what} {one.found or 'unset'} → {one.wanted or 'default'}"
            for one in item.differences
            if _state(item, check) == "differs" or one.what != "replicas"
        )
        state = _state(item, check) + (f": {differences}" if differences else "")
        sys.stdout.write(
            f"{item.spec.name:<{width}}  {item.spec.partitions:>10}  {item.spec.replicas:>8}  {state}\n"
        )


def _tell_replicas(plans: list[TopicPlan]) -> None:
    for item in plans:
        for one in item.differences:
            if one.what == "replicas":
                sys.stderr.write(
                    f"note: {item.spec.name} has {one.found} replicas, not {one.wanted}; an administrator "
                    "changes that with kafka-reassign-partitions.\n"
                )


def _leave(error: AgentError) -> None:
    """Tell the operator, where this runs in one of its pods."""
    from dspy_agent.incluster.termination import TERMINATION_LOG, leave
    from dspy_agent_core.contracts.cluster import TOPIC_REASONS, Termination

    path = Path(os.environ.get("DSPY_TERMINATION_LOG", TERMINATION_LOG))
    if path.exists():
        reason = error.code if error.code in TOPIC_REASONS else "TopicsFailed"
        leave(Termination(reason, f"{error.message} {error.next}"), path)
