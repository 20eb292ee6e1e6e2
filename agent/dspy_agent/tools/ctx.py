"""``ctx``: the key events of the logs."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from dspy_agent.logs.find import LOGS_VARIABLE, STDIN, Found, find_logs, of_apps
from dspy_agent.logs.merge import fold, join
from dspy_agent.logs.read import LogFile, NotALog, stdin_lines
from dspy_agent.logs.remote import Asking, RouterClient, RouterDown
from dspy_agent.logs.resolve import PathResolver
from dspy_agent.streams.settings import ROUTER_VARIABLE
from dspy_agent.tools.amounts import count
from dspy_agent.tools.arguments import CtxArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent_core.contracts.results import LogContext, Unread
from dspy_agent_core.errors import UsageError, WorkspaceError
from dspy_agent_core.logs import Reducer, ReducerOptions
from dspy_agent_core.logs.levels import LEVELS, level_of
from dspy_agent_core.logs.readable import headline, one_line
from dspy_agent_core.logs.times import parse_iso

_FILE_BYTES: Final = 8 << 20
_TOTAL_BYTES: Final = 32 << 20
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_STYLES: Final = {"critical": "bold red", "error": "red", "warning": "yellow"}


def run(arguments: CtxArguments, context: ToolContext) -> LogContext:
    """Read the logs, ask the router for contexts, and return the key events of both."""
    options = _options(arguments)
    client = router_of(os.environ)
    asking = Asking(client, arguments.app or ()) if client else None
    found = find_logs(context.workspace, context.logs)
    files = of_apps(found.files, arguments.app or (), context.workspace)
    if not files and client is None:
        raise _no_app(arguments.app) if arguments.app else _no_logs(context, found)
    resolve = PathResolver(context.workspace)
    local = _local(arguments, replace(found, files=files), context.workspace, Reducer(options, resolve))
    if client is None or asking is None:
        return local
    unread = list(local.unread or ())
    try:
        answer = asking.answer()
    except RouterDown as down:
        return replace(local, unread=[Unread(client.url, f"the router: {down}"), *unread])
    except WorkspaceError:
        if not files:
            raise
        return local
    if answer.trouble:
        unread.insert(0, Unread(client.url, f"the router: {answer.trouble}"))
    if answer.refused:
        unread.insert(0, Unread(client.url, f"{count(answer.refused, 'context')} of an unknown form"))
    remote = fold(answer.contexts, options.level, options.since, resolve)
    apps = sorted({found.app for found in answer.contexts})
    return replace(join(local, remote, options.limit), apps=apps or None, unread=unread or None)


def router_of(environ: Mapping[str, str]) -> RouterClient | None:
    """Return a client of the router that the environment names, or None."""
    url = environ.get(ROUTER_VARIABLE, "")
    return RouterClient(url) if url else None


def _local(arguments: CtxArguments, found: Found, workspace: Path, reducer: Reducer) -> LogContext:
    read: list[str] = []
    unread: list[Unread] = []
    budget = None if arguments.all else _TOTAL_BYTES
    for path in found.files:
        shown = _shown(path, workspace)
        if path == STDIN:
            reducer.feed(stdin_lines(sys.stdin.buffer), source=shown, at=time.time())
            read.append(shown)
            continue
        if budget is not None and budget <= 0:
            unread.append(Unread(shown, "newer files filled what is read at once", path.stat().st_size))
            continue
        used = _feed(reducer, path, shown, None if budget is None else min(_FILE_BYTES, budget), unread)
        if used is not None:
            read.append(shown)
            budget = None if budget is None else budget - used
    if found.left_out:
        unread.append(Unread(f"{found.left_out} older files", "too many files"))
    return replace(reducer.result(), files=read, unread=unread or None)


def _feed(reducer: Reducer, path: Path, shown: str, limit: int | None, unread: list[Unread]) -> int | None:
    """Feed one file; return the bytes that were read, or None if it is not a log."""
    try:
        file = LogFile(path, limit)
        reducer.feed(file.lines(), source=shown, at=file.modified)
    except NotALog as error:
        unread.append(Unread(shown, str(error)))
        return None
    if file.damaged:
        unread.append(Unread(shown, file.damaged))
    if file.skipped:
        unread.append(Unread(shown, "only its end was read", file.skipped))
    return min(limit or 0, path.stat().st_size)


def _options(arguments: CtxArguments) -> ReducerOptions:
    level = level_of(arguments.level)
    if level is None:
        raise UsageError(
            f"{arguments.level!r} is no level.", code="BadLevel", next=f"Use one of: {', '.join(LEVELS)}."
        )
    since = None if arguments.since is None else _since(arguments.since)
    return ReducerOptions(level=level, since=since, limit=arguments.limit)


def _since(text: str) -> float:
    if match := re.fullmatch(r"(\d{1,9}(?:\.\d+)?)([smhdw])", text.strip()):
        return time.time() - float(match[1]) * _UNITS[match[2]]
    stamp = parse_iso(text.strip())
    if stamp is None:
        raise UsageError(
            f"{text!r} is no time.",
            code="BadTime",
            next="Use an age such as 30s, 10m, 2h or 3d, or a time such as 2026-01-31T12:00:00Z.",
        )
    return stamp.epoch


def _no_logs(context: ToolContext, found: Found) -> WorkspaceError:
    return WorkspaceError(
        f"There are no log files here: looked for {', '.join(found.looked_in)} in {context.workspace}.",
        code="NoLogs",
        next=f"Name a file or folder: ctx --logs PATH (or set {LOGS_VARIABLE}); - reads standard input.",
    )


def _no_app(apps: Sequence[str]) -> WorkspaceError:
    return WorkspaceError(
        f"There are no logs of {' or '.join(apps)} here, and no router to ask for them.",
        code="AppNotFound",
        next=f"Set {ROUTER_VARIABLE} to the router's address, or name the files with --logs PATH.",
    )


def _shown(path: Path, workspace: Path) -> str:
    absolute = path.absolute()
    return absolute.relative_to(workspace).as_posix() if absolute.is_relative_to(workspace) else str(path)


def render(result: LogContext, arguments: CtxArguments, console: Any) -> None:
    """Print one group of lines for each event."""
    from rich.text import Text

    for event in result.events:
        console.print(
            Text(f"{event.level.upper():8} {event.count:>4}×  ", style=_STYLES.get(event.level, "")), end=""
        )
        console.print(Text(headline(event)))
        for cause in event.cause or ():
            console.print(Text(f"{'':16}caused by {one_line(cause)}", style="dim"))
        if event.last:
            span = event.last if event.first in (None, event.last) else f"{event.first} … {event.last}"
            console.print(Text(f"{'':16}{span}", style="dim"))


def notes(result: LogContext, arguments: CtxArguments) -> list[str]:
    """Say what was hidden, what was not read, and that clean logs are clean."""
    files = len(result.files or ())
    where = f"{count(result.lines_read, 'line')} of {count(files, 'file')}"
    if result.apps:
        apps = ", ".join(result.apps[:5]) + (" …" if len(result.apps) > 5 else "")
        where = f"{where} and {apps}" if files else f"{count(result.lines_read, 'line')} of {apps}"
    said = []
    if not result.events and (files or result.apps):
        said.append(
            "The logs are empty."
            if not result.lines_read
            else f"Nothing at {arguments.level} or above in {where}."
        )
    elif not result.events and not result.unread:
        said.append("The router has no contexts yet.")
    hidden = [f"{count(h.lines, 'line')} hidden by {h.rule}" for h in result.hidden]
    if hidden:
        said.append(f"{where}; " + ", ".join(hidden))
    for item in (result.unread or ())[:5]:
        size = f"{item.bytes:,} bytes of " if item.bytes else ""
        said.append(f"not read: {size}{item.path}: {item.why}")
    if len(result.unread or ()) > 5:
        said.append(f"not read: {len(result.unread or ()) - 5} more")
    if any("only its end" in item.why or "filled" in item.why for item in result.unread or ()):
        said.append("ctx --all reads whole files.")
    return said
