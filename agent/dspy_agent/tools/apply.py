"""``apply``: lands the proposal, whole or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dspy_agent.checkpoints.model import Checkpoint
from dspy_agent.checkpoints.store import Store
from dspy_agent.tools.amounts import count
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import ApplyArguments
from dspy_agent.tools.diff import ChangedFile, changed_file, print_files, task_of


@dataclass(frozen=True, slots=True)
class Landed:
    """What landed, as the checkpoint ``checkpoint``. ``undoes``: the one that it took back."""

    checkpoint: int
    files: list[ChangedFile]
    task: str | None = None
    undoes: int | None = None
    notes: list[str] | None = None


def run(arguments: ApplyArguments, context: ToolContext) -> Landed:
    """Land the proposal.

    Raises:
        WorkspaceError: there is none, a file changed since it was made, or it can't be written.
    """
    store = Store(context.workspace)
    return landed(store.apply(), store)


def landed(checkpoint: Checkpoint, store: Store) -> Landed:
    """Return ``checkpoint`` for people."""
    files = [changed_file(change) for change in checkpoint.files]
    return Landed(
        checkpoint.id, files, task_of(checkpoint.about), checkpoint.undoes, list(store.notes) or None
    )


def render(result: Landed, arguments: Any, console: Any) -> None:
    """Print the files, and how to take it back."""
    done = f"Undid checkpoint {result.undoes}" if result.undoes else "Applied"
    console.out(f"{done}: {count(len(result.files), 'file')}, checkpoint {result.checkpoint}")
    print_files(result.files, console)


def notes(result: Landed, arguments: Any) -> list[str]:
    """Say how to take it back."""
    number = result.checkpoint
    back = f"dspy-agent undo {number}" if result.undoes else "dspy-agent undo"
    return [*(result.notes or ()), f"To take that back: {back}"]
