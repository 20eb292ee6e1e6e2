"""Runs one tool in a conversation: whatever goes wrong in it is something to see, not the end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dspy_agent.learning.place import learning_folder
from dspy_agent.loop.observe import places_of, rendered
from dspy_agent.memory.notice import noticed
from dspy_agent.tools.base import Tool, ToolContext
from dspy_agent_core.errors import AgentError


@dataclass(frozen=True, slots=True)
class Done:
    """What came of a tool: its ``result`` or the ``error``, both as ``text``, and how long it ran."""

    tool: Tool
    arguments: Any
    result: Any
    text: str
    error: str
    ms: float

    @property
    def found(self) -> bool:
        """Whether it found or did something."""
        return not self.error and bool(self.result)

    @property
    def places(self) -> tuple[str, ...]:
        """The first places that it showed."""
        return places_of(self.result)


@dataclass(frozen=True, slots=True)
class Decision:
    """Who chose the tool (name, version), what was known, and what else to tell of it for learning.

    ``id``: the suggestion's, whose features these are.
    """

    id: str
    policy: tuple[str, str]
    features: Mapping[str, float]
    mask: tuple[str, ...]
    outcome: Mapping[str, bool | int | float | str]


def act(tool: Tool, arguments: Any, context: ToolContext) -> Done:
    """Run ``tool``. Only what ends the program, Ctrl-C among it, passes."""
    started = time.perf_counter()
    try:
        result = tool.load_run()(arguments, context)
        text, error = rendered(tool, result, arguments), ""
        noticed(tool.name, result, context.workspace)
    except AgentError as failed:
        result, error = None, failed.code
        text = f"error: {failed.message}\nnext: {failed.next}"
    except Exception as failed:  # a fault of a tool must not end the conversation
        result, error = None, type(failed).__name__
        text = f"error: {tool.name} failed: {type(failed).__name__}: {failed}"
    return Done(tool, arguments, result, text, error, 1000 * (time.perf_counter() - started))


def tell(done: Done, decision: Decision, context: ToolContext) -> None:
    """Write the learning event of a step, where events are written."""
    if (folder := learning_folder(context.workspace)) is None:
        return
    from dspy_agent.learning.hook import tool_ran
    from dspy_agent.learning.uses import Run

    outcome = {**decision.outcome, **({"error": done.error[:256]} if done.error else {})}
    tool_ran(
        Run(
            done.tool.name,
            done.arguments,
            done.result,
            done.ms,
            "session",
            decision.policy,
            decision.features,
            decision.mask,
            outcome,
            decision.id,
        ),
        context.workspace,
        folder,
    )
