"""Whether and where something is learned from use. Light: each run of a tool asks here."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from dspy_agent.index.location import index_folder
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.errors import WorkspaceError

_TEXT: Final = "apply codectx ctx edit emb-index esearch extract grep index intel plan run undo vretr"
TOOLS: Final = frozenset(_TEXT.split())
WAITING_NAME: Final = "waiting.json"
_MOST_WAITING: Final = 1 << 20


def learning_folder(workspace: Path, environ: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of the workspace's index, where the memory lies; None where nothing is to be told.

    That is a workspace that can't be written, one without an index (``grep`` leaves no files in a folder that
    was never searched), or ``DSPY_AGENT_LEARNING=off``.
    """
    if _is_off(environ) or not os.access(workspace, os.W_OK | os.X_OK):
        return None
    folder = index_folder(workspace, environ)
    return folder if folder.is_dir() and os.access(folder, os.W_OK | os.X_OK) else None


def may_be_awaited(tool: str, folder: Path) -> bool:
    """Return whether ``tool`` may have been suggested a moment ago: its run then tells of that."""
    try:
        with open_regular(folder / WAITING_NAME, follow=False) as file:
            return f'"{tool}"'.encode() in file.read(_MOST_WAITING)
    except OSError:
        return False


def make_learning_folder(workspace: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of the workspace's index, made if need be, for a program that was started to learn.

    Raises:
        WorkspaceError: nothing may be learned there.
    """
    if _is_off(environ):
        raise WorkspaceError("Learning is off.", code="LearningOff", next="Unset DSPY_AGENT_LEARNING.")
    try:
        index_folder(workspace, environ).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = (error.strerror or str(error)).lower()
    else:
        if folder := learning_folder(workspace, environ):
            return folder
        why = "permission denied"
    raise WorkspaceError(
        f"Nothing can be learned in this workspace: {why}.",
        code="NotWritable",
        next="Start it where the workspace can be written.",
    )


def _is_off(environ: Mapping[str, str]) -> bool:
    return environ.get("DSPY_AGENT_LEARNING", "").lower() == "off"
