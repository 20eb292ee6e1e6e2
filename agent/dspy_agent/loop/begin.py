"""Begins a conversation: from ``chat``, or from plain words in a session."""

from __future__ import annotations

from pathlib import Path

from dspy_agent.loop.approval import Approver
from dspy_agent.loop.converse import Setting, Talk
from dspy_agent.loop.limits import Limits
from dspy_agent.loop.show import Teller
from dspy_agent.loop.step import Conversation
from dspy_agent.loop.trajectory import latest, read
from dspy_agent.model.access import open_model
from dspy_agent.suggest.bandit import BanditSuggester
from dspy_agent.suggest.request import Suggester
from dspy_agent.tools.base import ToolContext


def talk(
    task: str,
    context: ToolContext,
    approver: Approver,
    teller: Teller,
    *,
    limits: Limits | None = None,
    suggester: Suggester | None = None,
    before: str = "",
    model_name: str | None = None,
) -> Conversation:
    """Hold a conversation about ``task``.

    Args:
        task: the user's words.
        context: where.
        approver: who lets a tool change anything.
        teller: what a person sees of it.
        limits: what it may take.
        suggester: suggests each tool.
        before: what an earlier conversation was about.
        model_name: the model to ask; None: the one of the settings.

    Raises:
        ModelError: there is no model, or it fails.
        UsageError: a setting of the model is off.
    """
    model = open_model(context.workspace, overrides={"name": model_name}, progress=teller.note)
    setting = Setting(
        context, model, suggester or BanditSuggester(), approver, teller, limits or Limits(), before
    )
    return Talk(task, setting).hold()


def said_before(workspace: Path) -> str:
    """Return what was asked and answered in the last conversation of the workspace; "" if there was none."""
    path = latest(workspace)
    records = list(read(path)) if path else []
    tasks = [str(one.get("task", "")) for one in records if one.get("kind") == "task"]
    answers = [str(one.get("summary", "")) for one in records if one.get("kind") == "end"]
    if not tasks:
        return ""
    return f"Before that the task was: {tasks[-1][:300]}\nThe answer was: {(answers or [''])[-1][:600]}"
