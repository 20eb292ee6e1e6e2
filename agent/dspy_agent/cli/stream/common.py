"""Options that the ``stream`` commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

BootstrapOption = Annotated[
    str | None,
    typer.Option(
        "--bootstrap",
        envvar="KAFKA_BOOTSTRAP",
        metavar="HOST:PORT",
        show_default=False,
        help="The Kafka brokers, with commas between.",
    ),
]
PrefixOption = Annotated[
    str,
    typer.Option(
        "--topic-prefix",
        envvar="DSPY_AGENT_TOPIC_PREFIX",
        metavar="TEXT",
        help="Put before each topic's name.",
    ),
]
AppsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--app",
        envvar="DSPY_AGENT_APPS",
        metavar="NAME",
        show_default=False,
        help="An app whose logs stream (repeatable).",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--kafka-config",
        envvar="DSPY_AGENT_KAFKA_CONFIG",
        metavar="FILE",
        readable=False,
        show_default=False,
        help="Client properties, one name=value a line: security.protocol, sasl.username …",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
PortOption = Annotated[
    int,
    typer.Option(
        "--http-port",
        envvar="DSPY_AGENT_HTTP_PORT",
        min=0,
        max=65535,
        help="Serve /healthz, /readyz and /metrics here. 0: don't.",
    ),
]
