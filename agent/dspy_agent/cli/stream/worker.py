"""``stream worker``: answer contexts with a summary and a plan."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, PortOption, PrefixOption

_EPILOG: Final = """$ dspy-agent stream worker --bootstrap localhost:9092 --app web

$ USE_OLLAMA=1 dspy-agent stream worker --bootstrap localhost:9092"""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("worker", epilog=_EPILOG)(worker)


def worker(
    apps: AppsOption = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="NAME",
            show_default=False,
            help="The consumer group. Default: the topic prefix and dspy-agent.worker.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Answer what is there now, and end.")] = False,
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    http_port: PortOption = 0,
) -> int:
    """Answer the contexts (logs.ctx.*) with a summary, key points and a plan (agent.results.*).

    By rules; by a model where the environment names one (USE_OLLAMA, OLLAMA_HOST, OLLAMA_MODEL, or
    OPENAI_BASE_URL, MODEL_NAME, OPENAI_API_KEY). Without --app: of all apps of the prefix, new ones too.
    """
    from pathlib import Path

    from dspy_agent.streams.model_advice import ModelDesk
    from dspy_agent.streams.model_advisor import advisor_of
    from dspy_agent.streams.program import Program
    from dspy_agent.streams.worker import Worker
    from dspy_agent_core.streams.settings import stream_settings

    settings = stream_settings(bootstrap, prefix, tuple(apps or ()), kafka_config)
    model = advisor_of(Path.cwd())
    with Program("stream-worker", settings, http_port) as program:
        desk = ModelDesk(model) if model is not None else None
        Worker(program, settings, group or f"{prefix}dspy-agent.worker", desk, once=once).run()
    return 0
