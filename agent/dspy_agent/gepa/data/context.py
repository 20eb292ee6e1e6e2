"""Key events of the logs, one at a time, as the worker shows them to the model."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.example import Example, example_id, lazily
from dspy_agent.tools.arguments import CtxArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.ctx import run as ctx
from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.levels import ERROR, LEVELS
from dspy_agent_core.logs.readable import readable

_APP: Final = "app"
_MOST_TEXT: Final = 4000


def examples(workspace: Path, logs: tuple[Path, ...], most: int) -> list[Example]:
    """Return the errors of the logs, newest first.

    Raises:
        WorkspaceError: ``NoLogs``.
    """
    found = ctx(CtxArguments(limit=4 * most), ToolContext(workspace, logs)).events
    return [_example(event) for event in found if event.type or _is_error(event)][:most]


def _is_error(event: LogEvent) -> bool:
    return event.level in LEVELS and LEVELS.index(event.level) >= ERROR


def _example(event: LogEvent) -> Example:
    frame = event.frame
    facts = {
        "type": (event.type or "").rpartition(".")[2],
        "message": event.message[:_MOST_TEXT],
        "path": frame.path if frame else "",
        "function": (frame.function or "") if frame else "",
        "text": f"{readable(event)}\n{event.example or ''}"[:_MOST_TEXT],
    }
    group = f"{event.type or event.signature or event.message} {facts['path']}"
    return Example(example_id("context", event.signature, facts), group, facts, lazily(_inputs, event))


def _inputs(event: LogEvent) -> Mapping[str, Any]:
    from dspy_agent.streams.model_advisor import checks_of, packed
    from dspy_agent_core.contracts.messages import Context, Window
    from dspy_agent_core.streams.advice import advise

    window = Window(start=event.first or "", end=event.last or "")
    context = Context(id="", app=_APP, window=window, ctx=[], events=[event], hidden=[])
    by_rules = advise(context)
    return {
        "program": event.app or _APP,
        "log": packed([event]),
        "checks": checks_of(by_rules.plan if by_rules else []),
    }
