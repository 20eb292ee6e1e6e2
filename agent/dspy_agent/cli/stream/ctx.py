"""``stream ctx``: the light engine that turns raw lines into contexts."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, PortOption, PrefixOption

_EPILOG: Final = """\
$ dspy-agent stream ctx --bootstrap localhost:9092 --app web --app worker

$ dspy-agent stream ctx --bootstrap localhost:9092 --once"""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("ctx", epilog=_EPILOG)(ctx)


def ctx(
    apps: AppsOption = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="NAME",
            show_default=False,
            help="The consumer group. Default: the topic prefix and dspy-agent.ctx.",
        ),
    ] = None,
    once: Annotated[
        bool, typer.Option("--once", help="Read what is there now, close all windows, and end.")
    ] = False,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    config: ConfigOption = None,
    port: PortOption = 0,
) -> int:
    """Turn log lines (logs.raw.*) into the events that matter (logs.ctx.*), within a tenth of a second.

    Without --app: of all raw topics of the prefix, new ones too. Several of the same group share the
    partitions. Nothing is lost, and nothing comes twice under another id, when one is killed.
    """
    from dspy_agent.streams.consume.context import ContextConsumer
    from dspy_agent.streams.program import Program
    from dspy_agent_core.streams.settings import stream_settings

    settings = stream_settings(bootstrap, prefix, tuple(apps or ()), config)
    with Program("stream-ctx", settings, port) as program:
        ContextConsumer(program, settings, group or f"{prefix}dspy-agent.ctx", once=once).run()
    return 0
