"""``stream tail``: ship the lines of files to the raw topic of an app."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Annotated

import typer

from dspy_agent.cli.stream.common import AppsOption, BootstrapOption, ConfigOption, PortOption, PrefixOption
from dspy_agent.cli.tool_commands import WorkspaceOption

_EPILOG = """$ dspy-agent stream tail --app web /var/log/web/

$ dspy-agent stream tail --app web '/var/log/containers/web-*.log'

$ kubectl logs -f deploy/web | dspy-agent stream tail --app web -"""


def register(group: typer.Typer) -> None:
    """Add the command to ``group``."""
    group.command("tail", epilog=_EPILOG)(tail)


def tail(
    files: Annotated[
        list[str],
        typer.Argument(
            metavar="FILES...",
            show_default=False,
            help="Files, folders and globs of container or other logs; -: stdin.",
        ),
    ],
    apps: AppsOption = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            envvar="DSPY_AGENT_TAIL_STATE",
            metavar="FILE",
            show_default=".dspy_tail_state.json in the workspace",
            help="Remembers how far each file was delivered.",
        ),
    ] = None,
    from_start: Annotated[
        bool | None,
        typer.Option(
            "--from-start/--from-end",
            show_default=False,
            help="Where files begin that are seen for the first time. Default: at their start, but at their "
            "end if nobody has changed them for a day.",
        ),
    ] = None,
    once: Annotated[bool, typer.Option("--once", help="Ship what is there, and end.")] = False,
    host: Annotated[
        str | None,
        typer.Option(
            "--host",
            metavar="NAME",
            show_default="this machine's name",
            help="Named with each file as the source of its lines; alone for stdin.",
        ),
    ] = None,
    workspace: WorkspaceOption = Path(),
    bootstrap: BootstrapOption = None,
    prefix: PrefixOption = "",
    kafka_config: ConfigOption = None,
    http_port: PortOption = 0,
) -> int:
    """Ship log lines to the raw topic of an app, and go on as files grow, rotate and appear.

    Each line comes at least once, in the order of its file. A broker that is away is waited for.
    """
    from dspy_agent.streams.program import Program
    from dspy_agent.streams.tail_ship import Shipper
    from dspy_agent_core.errors import ClusterError
    from dspy_agent_core.streams.settings import stream_settings

    app = _the_one_app(apps)
    _check_words(files)
    settings = stream_settings(bootstrap, prefix, (app,), kafka_config)
    topic = settings.topics.raw(app)
    host = host or socket.gethostname()
    stdin = files == ["-"]
    with Program("stream-tail", settings, http_port) as program:
        shipper = Shipper(program, settings, topic, patient=not once)
        if stdin:
            from dspy_agent.streams.tail import ship_stdin

            delivered = found = ship_stdin(program, shipper, host)
        else:
            from dspy_agent.streams.tail import Tail, TailOptions, missing
            from dspy_agent.streams.tail_state import open_state
            from dspy_agent.workspace.paths import open_workspace

            where = state or open_workspace(workspace) / ".dspy_tail_state.json"
            for word in missing(files):
                program.say(f"no file is at {word}" + ("" if once else " yet"))
            with open_state(where.absolute(), topic) as places:
                options = TailOptions(tuple(files), host, from_start, once)
                run = Tail(program, shipper, places, options, where.absolute())
                delivered, found = run.run(), run.found
        program.say(f"{shipper.shipped:,} lines delivered to {topic}.")
        if not delivered and stdin:
            raise ClusterError(
                f"{shipper.pending:,} lines were read but not delivered: the broker is away.",
                code="NotDelivered",
                next="Send them again once it is back.",
            )
        if not delivered:
            program.say(f"{shipper.pending:,} lines wait for the broker; the next run sends them.")
    return 0 if found or not once else 1


def _the_one_app(apps: list[str] | None) -> str:
    from dspy_agent_core.errors import UsageError

    if apps is None or len(apps) != 1:
        raise UsageError("Name one app.", code="BadUsage", next="Say whose lines these are: --app NAME.")
    return apps[0]


def _check_words(files: list[str]) -> None:
    from dspy_agent_core.errors import UsageError

    if "-" in files and len(files) > 1:
        raise UsageError("stdin goes alone.", code="BadUsage", next="Name files, or - by itself.")
