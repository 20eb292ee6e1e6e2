"""``stream router``: the recent contexts and the last result of each app, over HTTP."""

from __future__ import annotations

from typing import Annotated, Final

import typer

from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, PrefixOption

_EPILOG: Final = """\
$ dspy-agent stream router --bootstrap kafka:9092 --app web --app worker

$ DSPY_AGENT_ROUTER=http://127.0.0.1:8645 dspy-agent ctx --app web --follow"""

_PortOption = Annotated[
    int,
    typer.Option(
        "--http-port",
        envvar="DSPY_AGENT_HTTP_PORT",
        min=1,
        max=65535,
        help="Serve the answers, /healthz, /readyz and /metrics here.",
    ),
]
_HostOption = Annotated[
    str,
    typer.Option(
        "--host",
        envvar="DSPY_AGENT_HTTP_HOST",
        metavar="ADDRESS",
        help="Listen at this address only. In a pod: 0.0.0.0, or :: for IPv6 too.",
    ),
]


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("router", epilog=_EPILOG)(router)


def router(
    bootstrap: BootstrapOption = None,
    topic_prefix: PrefixOption = "",
    app: AppsOption = None,
    kafka_config: ConfigOption = None,
    host: _HostOption = "127.0.0.1",
    http_port: _PortOption = 8645,
) -> int:
    """Serve the recent contexts and the last result of each app to `ctx`, over HTTP.

    GET /v1/contexts?app=A&after=CURSOR&limit=N&wait=SECONDS, /v1/results?app=A and /v1/apps answer with JSON.
    """
    from dspy_agent.streams.program import Program
    from dspy_agent.streams.router import NAME, Router
    from dspy_agent.streams.router_view import routes
    from dspy_agent_core.errors import UsageError
    from dspy_agent_core.streams.settings import stream_settings

    settings = stream_settings(bootstrap, topic_prefix, tuple(dict.fromkeys(app or ())), kafka_config)
    if not settings.apps:
        raise UsageError(
            "No app is named.", code="NoApps", next="Name one: --app NAME, or set DSPY_AGENT_APPS."
        )
    running = Router(settings)
    answers = routes(running.store, running.trouble, running.lags)
    with Program(NAME, settings, http_port, answers, host=host) as program:
        shown = f"[{host}]" if ":" in host else host
        program.say(f"serving {', '.join(settings.apps)} at http://{shown}:{http_port}")
        running.run(program)
    return 0
