"""``dspy-agent connect``: a command in a workspace's pod, as if it ran here.

The session (no command given) is taken up again after a lost connection: the shell on the other side is
gone, so a new one is started and the user is told. A given command is never run twice: losing it is an
error of its own.
"""

from __future__ import annotations

import os
import random
import stat
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from dspy_agent.cluster.activity import noted_activity
from dspy_agent.cluster.api import Api
from dspy_agent.cluster.channels import Exited, NotRun
from dspy_agent.cluster.errors import ConnectionLost, Target, not_run
from dspy_agent.cluster.input import Input
from dspy_agent.cluster.pods import pick_pod, pod_is_gone
from dspy_agent.cluster.pump import Lost, Pump, ReaderGone
from dspy_agent.cluster.terminal import raw_terminal, reset_modes, tell
from dspy_agent.cluster.waiting import POLL_SECONDS, wait_until_ready, wake
from dspy_agent.cluster.wire import Wire
from dspy_agent.cluster.workspaces import Workspace, get_workspace
from dspy_agent_core.contracts.cluster import CONTAINER_AGENT
from dspy_agent_core.errors import ClusterError

SESSION = ("dspy-agent",)
_KILLED = (137, 143)  # what a session ends with when its pod is stopped
_FIRST_RETRY_SECONDS, _LONGEST_RETRY_SECONDS = 0.5, 10.0
_OUTAGES = frozenset({"Unreachable", "ServerError"})
_POD_CHANGES = frozenset({"PodNotFound", "ContainerNotRunning"})


@dataclass(frozen=True, slots=True)
class Options:
    """What the user asked for. ``timeout``: seconds to wait for the agent, and for a lost cluster."""

    name: str
    command: tuple[str, ...] = ()
    pod: str | None = None
    tty: bool = False
    quiet: bool = False
    timeout: float = 600.0


def connect(api: Api, options: Options) -> int:
    """Run the session or the command and return its exit code.

    Raises:
        ClusterError: the workspace can't be reached or does not become ready.
        ConnectionLost: the connection broke while a given command ran.
    """
    source, remote = _stdin(), _open_first(api, options)
    patience = time.monotonic() + options.timeout
    while True:
        ended = _carry(api, remote, options, source)
        if isinstance(ended, ReaderGone):
            return 141  # as a program that SIGPIPE ends
        if isinstance(ended, Exited):
            if options.command or not _was_stopped(api, remote, ended):
                return ended.code
            ended = Lost("the pod was stopped")
        if isinstance(ended, NotRun):
            error = not_run(ended, options.command or SESSION, remote.pod)
            if error.code not in _POD_CHANGES or options.pod or time.monotonic() > patience:
                raise error
            if source is not None and not source.repeatable:
                raise error
            if source is not None:
                source.repeat()
            time.sleep(POLL_SECONDS)
        else:
            _tell_loss(ended, remote, options)
            source, patience = _stdin(), time.monotonic() + options.timeout
        remote = _open_again(api, options)


def _was_stopped(api: Api, remote: _Remote, ended: Exited) -> bool:
    return ended.code in _KILLED and pod_is_gone(api, api.access.namespace, remote.pod)


def _tell_loss(lost: Lost, remote: _Remote, options: Options) -> None:
    if options.command:
        raise ConnectionLost(
            f"The connection to pod {remote.pod} was lost ({lost.why}), perhaps in mid-command.",
            code="ConnectionLost",
            next="Check in the workspace what it did before you run it again.",
        )
    tell(
        f"connection to pod {remote.pod} lost: {lost.why}; what ran there has ended, "
        "a new session starts when it is back"
    )


@dataclass(frozen=True, slots=True)
class _Remote:
    pod: str
    wire: Wire


def _open_first(api: Api, options: Options) -> _Remote:
    workspace = get_workspace(api, options.name)
    if not workspace.agent_ready() or workspace.suspended_because():
        workspace = wake(api, workspace, tell)
        workspace = wait_until_ready(api, workspace, timeout=options.timeout, tell=tell)
    try:
        return _open(api, workspace, options)
    except ClusterError as error:
        if error.code not in _POD_CHANGES or options.pod:
            raise
    return _open_again(api, options)


def _open_again(api: Api, options: Options) -> _Remote:
    """Wait until the cluster answers and the agent is up; a suspension by hand is respected."""
    deadline, delay = time.monotonic() + options.timeout, _FIRST_RETRY_SECONDS
    while True:
        try:
            workspace = get_workspace(api, options.name)
            if workspace.suspended_because() == "IdleTimeout":
                workspace = wake(api, workspace, tell)
            left = max(deadline - time.monotonic(), 1.0)
            return _open(api, wait_until_ready(api, workspace, timeout=left, tell=tell), options)
        except ClusterError as error:
            if error.code not in _OUTAGES | _POD_CHANGES or time.monotonic() >= deadline:
                raise
            tell(f"{error.message} Trying again; Ctrl-C gives up.")
        time.sleep(delay * random.uniform(0.8, 1.2))  # noqa: S311  spreads clients, keeps no secret
        delay = min(delay * 2, _LONGEST_RETRY_SECONDS)


def _open(api: Api, workspace: Workspace, options: Options) -> _Remote:
    pod = pick_pod(api, workspace, options.pod)
    if not options.quiet:
        tell(f"connecting to pod {workspace.namespace}/{pod}")
    query = [("command", word) for word in options.command or SESSION]
    query += [("container", CONTAINER_AGENT), ("stdout", "true")]
    query += [("stdin", "true")] if _stdin() is not None else []
    query.append(("tty", "true") if options.tty else ("stderr", "true"))
    target = Target("get", "pods/exec", workspace.namespace, pod)
    return _Remote(pod, Wire(api.websocket(target, query)))


def _carry(
    api: Api, remote: _Remote, options: Options, source: Input | None
) -> Exited | NotRun | Lost | ReaderGone:
    raw: AbstractContextManager[int | None] = nullcontext()
    if options.tty and source is not None and os.isatty(source.fd):
        raw = raw_terminal(source.fd)
    try:
        with noted_activity(api, options.name, tell), raw as size_changed:
            ended = Pump(remote.wire, stdin=source, stdout=1, stderr=2, wake=size_changed, warn=tell).run()
    finally:
        remote.wire.close()
    if isinstance(ended, Lost) and options.tty:
        reset_modes(1)
    return ended


def _stdin() -> Input | None:
    """Return our standard input, or None where it is closed or the null device."""
    if sys.stdin is None:
        return None
    status = os.fstat(0)
    is_null = stat.S_ISCHR(status.st_mode) and status.st_rdev == Path(os.devnull).stat().st_rdev
    return None if is_null else Input(0)
