"""``undo``: takes back what landed; an undo is a checkpoint too, and can be undone."""

from __future__ import annotations

from dspy_agent.checkpoints.store import Store
from dspy_agent.tools.apply import Landed, landed
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import UndoArguments


def run(arguments: UndoArguments, context: ToolContext) -> Landed:
    """Take back a checkpoint, or the last one that still stands.

    Raises:
        WorkspaceError: there is nothing to undo, a file changed since, or it can't be written.
        UsageError: there is no such checkpoint.
    """
    store = Store(context.workspace)
    return landed(store.undo(arguments.id), store)
