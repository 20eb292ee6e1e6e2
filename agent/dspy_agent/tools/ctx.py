"""``ctx``: the key events of the logs."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Final

from dspy_agent.logs.find import LOGS_VARIABLE, Found
from dspy_agent.logs.gather import Gathering
from dspy_agent.logs.plan import Plan
from dspy_agent.logs.remote import Asking, RouterClient
from dspy_agent.logs.resolve import PathResolver
from dspy_agent.streams.settings import ROUTER_VARIABLE
from dspy_agent.tools.arguments import CtxArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent_core.contracts.results import LogContext, LogEvent
from dspy_agent_core.errors import UsageError, WorkspaceError
from dspy_agent_core.logs import Reducer, ReducerOptions
from dspy_agent_core.logs.levels import LEVELS, level_of
from dspy_agent_core.logs.lines import parse_line
from dspy_agent_core.logs.times import parse_iso

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def run(arguments: CtxArguments, context: ToolContext) -> LogContext:
    """Read the logs, ask the router for contexts, and return the key events of both."""
    plan = _plan(arguments, context)
    asking = Asking(plan.router, plan.apps) if plan.router else None
    found = _found(plan)
    reducer = Reducer(plan.options, plan.resolve)

    def take(text: str, source: str, at: float, offset: int) -> None:
        reducer.take(parse_line(text, at), source, at, offset)

    gathering = Gathering(plan.workspace, take, plan.options.since, plan.everything)
    gathering.files(found)
    local = replace(reducer.result(), files=gathering.read, unread=gathering.unread or None)
    return plan.joined(local, asking.answer(), gathering.times) if asking else local


def key_events(context: ToolContext) -> list[LogEvent]:
    """Return the key events of the logs, newest first.

    Raises:
        WorkspaceError: ``NoLogs``, if there are none; or as :func:`run` does.
    """
    return run(CtxArguments(), context).events


def follow(arguments: CtxArguments, context: ToolContext) -> Iterator[LogContext]:
    """Yield the key events of now, oldest first, and then what comes; ends with standard input only."""
    from dspy_agent.logs.follow import Following

    plan = _plan(arguments, context)
    with closing(Following(plan, _found(plan))) as following:
        yield from following.results()


def _plan(arguments: CtxArguments, context: ToolContext) -> Plan:
    url = os.environ.get(ROUTER_VARIABLE, "")
    return Plan(
        apps=tuple(dict.fromkeys(arguments.app or ())),
        workspace=context.workspace,
        logs=context.logs,
        options=_options(arguments),
        resolve=PathResolver(context.workspace),
        router=RouterClient(url) if url else None,
        everything=arguments.all,
    )


def _found(plan: Plan) -> Found:
    found = plan.find()
    if not found.files and plan.router is None:
        raise _no_app(plan.apps) if plan.apps else _no_logs(plan.workspace, found)
    return found


def _options(arguments: CtxArguments) -> ReducerOptions:
    level = level_of(arguments.level)
    if level is None:
        raise UsageError(
            f"{arguments.level!r} is no level.", code="BadLevel", next=f"Use one of: {', '.join(LEVELS)}."
        )
    since = None if arguments.since is None else _since(arguments.since)
    return ReducerOptions(level, since, arguments.limit, arguments.budget)


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


def _no_logs(workspace: Path, found: Found) -> WorkspaceError:
    return WorkspaceError(
        f"There are no log files here: looked for {', '.join(found.looked_in)} in {workspace}.",
        code="NoLogs",
        next=f"Name a file or folder: ctx --logs PATH (or set {LOGS_VARIABLE}); - reads standard input.",
    )


def _no_app(apps: Sequence[str]) -> WorkspaceError:
    return WorkspaceError(
        f"There are no logs of {' or '.join(apps)} here, and no router to ask for them.",
        code="AppNotFound",
        next=f"Set {ROUTER_VARIABLE} to the router's address, or name the files with --logs PATH.",
    )
