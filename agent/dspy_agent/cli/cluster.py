"""The commands about workspaces in a cluster: connect, workspaces, suspend, resume, logs."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from dspy_agent.cluster.api import Api

Namespace = Annotated[str | None, typer.Option("--namespace", "-n", help="Default: the context's own.")]
Context = Annotated[str | None, typer.Option("--context", help="A context of the kubeconfig.")]
Kubeconfig = Annotated[
    Path | None, typer.Option("--kubeconfig", help="Default: KUBECONFIG, or ~/.kube/config.")
]
Name = Annotated[str, typer.Argument(help="The name of the workspace.", show_default=False)]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Timeout = Annotated[float, typer.Option("--timeout", min=1, help="Seconds to wait until it is ready.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``app``."""
    for command in (connect, workspaces, suspend, resume, logs):
        app.command()(command)


def connect(
    name: Name,
    command: Annotated[
        list[str] | None,
        typer.Argument(help="After --: the command to run. Default: the session.", show_default=False),
    ] = None,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    pod: Annotated[str | None, typer.Option("--pod", help="Which of several agent pods.")] = None,
    tty: Annotated[
        bool | None,
        typer.Option("--tty/--no-tty", help="A terminal on the other side. Default: if this is one."),
    ] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Don't say which pod it is.")] = False,
    timeout: Timeout = 600.0,
) -> int:
    """Open the session of a workspace in the cluster, or run a command there.

    A suspended workspace is resumed. The exit code is the remote one; 6 if the cluster refuses, 255 if
    the connection is lost while a command runs.
    """

    def work(api: Api) -> int:
        import os

        from dspy_agent.cluster.connect import Options
        from dspy_agent.cluster.connect import connect as run

        both = os.isatty(0) and os.isatty(1)
        wanted = both if tty is None else tty
        return run(api, Options(name, tuple(command or ()), pod, wanted, quiet, timeout))

    return _with_api(namespace, context, kubeconfig, work)


def workspaces(
    all_namespaces: Annotated[
        bool, typer.Option("--all-namespaces", "-A", help="Of all namespaces.")
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    as_json: Json = False,
) -> int:
    """List the workspaces in the cluster."""

    def work(api: Api) -> int:
        from dspy_agent.cluster import listing
        from dspy_agent.cluster.terminal import tell

        if as_json:
            return _print_json({"workspaces": listing.facts(api, everywhere=all_namespaces)})
        rows = listing.table(api, everywhere=all_namespaces)
        if len(rows) == 1:
            tell("No workspaces" + ("." if all_namespaces else f" in namespace {api.access.namespace}."))
        else:
            typer.echo(listing.render(rows), nl=False)
        return 0

    return _with_api(namespace, context, kubeconfig, work)


def suspend(
    name: Name,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    as_json: Json = False,
) -> int:
    """Stop a workspace's pods; its files stay."""

    def work(api: Api) -> int:
        from dspy_agent.cluster.workspaces import get_workspace, patch_workspace

        already = get_workspace(api, name).operating_mode == "Suspended"
        if not already:
            patch_workspace(api, name, {"spec": {"operatingMode": "Suspended"}})
        return _say(api, name, "was already suspended" if already else "is being suspended", as_json=as_json)

    return _with_api(namespace, context, kubeconfig, work)


def resume(
    name: Name,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the agent is ready.")] = False,
    timeout: Timeout = 600.0,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    as_json: Json = False,
) -> int:
    """Start a suspended workspace again."""

    def work(api: Api) -> int:
        from dspy_agent.cluster.terminal import tell
        from dspy_agent.cluster.waiting import wait_until_ready, wake
        from dspy_agent.cluster.workspaces import get_workspace

        workspace = get_workspace(api, name)
        suspended = bool(workspace.suspended_because())
        workspace = wake(api, workspace, tell)
        if wait:
            wait_until_ready(api, workspace, timeout=timeout, tell=tell)
        done = "is ready" if wait else "is being resumed" if suspended else "was not suspended"
        return _say(api, name, done, as_json=as_json)

    return _with_api(namespace, context, kubeconfig, work)


def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as new lines come.")] = False,
    container: Annotated[
        str, typer.Option("--container", "-c", help="A container of the agent pod.")
    ] = "agent",
    tail: Annotated[
        int | None, typer.Option("--tail", min=0, help="Only so many lines from the end.")
    ] = None,
    previous: Annotated[
        bool, typer.Option("--previous", "-p", help="Of the run before the last restart.")
    ] = False,
    namespace: Namespace = None,
    context: Context = None,
    kubeconfig: Kubeconfig = None,
    as_json: Json = False,
) -> int:
    """Show what a workspace's agent pod writes."""

    def work(api: Api) -> int:
        import sys

        from dspy_agent.cluster.logs import LogRequest, find_pod, read_log
        from dspy_agent_core.errors import UsageError

        if as_json and follow:
            raise UsageError(
                "--json and --follow don't go together.", code="BadOptions", next="Leave one out."
            )
        request = LogRequest(name, container, follow, previous, tail)
        pod = find_pod(api, request)
        if as_json:
            text = b"".join(read_log(api, request, pod)).decode("utf-8", "replace")
            return _print_json({"pod": pod, "container": container, "lines": text.splitlines()})
        for piece in read_log(api, request, pod):
            sys.stdout.buffer.write(piece)
            sys.stdout.buffer.flush()
        return 0

    return _with_api(namespace, context, kubeconfig, work)


def _with_api(
    namespace: str | None, context: str | None, kubeconfig: Path | None, work: Callable[[Api], int]
) -> int:
    """Run ``work`` with the cluster that the options choose and return its exit code."""
    gc.disable()  # what is imported here lives to the end; looking through it costs a tenth of the start
    from dspy_agent.cluster.api import open_api
    from dspy_agent.cluster.kubeconfig import load_access
    from dspy_agent.cluster.terminal import Stopped, ending_signals

    try:
        with ending_signals(), open_api(load_access(kubeconfig, context, namespace)) as api:
            gc.freeze()
            gc.enable()
            return work(api)
    except Stopped as stopped:
        return stopped.exit_code


def _say(api: Api, name: str, what: str, *, as_json: bool) -> int:
    if as_json:
        return _print_json({"name": name, "namespace": api.access.namespace, "result": what})
    typer.echo(f"workspace {name} {what}")
    return 0


def _print_json(data: dict[str, Any]) -> int:
    import json

    typer.echo(json.dumps(data, ensure_ascii=False))
    return 0
