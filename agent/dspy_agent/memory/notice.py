"""Lessons that follow from a tool by themselves: a change that was landed, or taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dspy_agent.memory.store import learn


def noticed(tool: str, result: Any, workspace: Path) -> None:
    """Learn from what ``tool`` did, if anything is to be learned from it."""
    task = getattr(result, "task", None)
    if tool not in ("apply", "undo") or not task:
        return
    paths = [file.path for file in result.files]
    if tool == "apply":
        learn(workspace, "worked", f"Changed for the task: {task}", paths=paths, source=tool)
    else:
        learn(workspace, "failed", f"A change for this task was taken back: {task}", paths=paths, source=tool)
