"""``checkpoints``: what landed in this workspace, newest first."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from dspy_agent.checkpoints.history import undone_by
from dspy_agent.checkpoints.model import Checkpoint
from dspy_agent.checkpoints.store import Store
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import CheckpointsArguments
from dspy_agent.tools.console import visible
from dspy_agent.tools.diff import ChangedFile, changed_file, print_files, task_of


@dataclass(frozen=True, slots=True)
class Entry:
    """A checkpoint. ``undoes``: the one that it took back; ``undone_by``: the one that took it back."""

    id: int
    time: str
    files: list[ChangedFile]
    task: str | None = None
    undoes: int | None = None
    undone_by: int | None = None


@dataclass(frozen=True, slots=True)
class Entries:
    """The newest checkpoints, newest first. False if there is none."""

    checkpoints: list[Entry] = field(default_factory=list)
    truncated: bool | None = None
    notes: list[str] | None = None

    def __bool__(self) -> bool:
        return bool(self.checkpoints)


def run(arguments: CheckpointsArguments, context: ToolContext) -> Entries:
    """List the newest checkpoints."""
    store = Store(context.workspace)
    known = store.checkpoints()
    undone = undone_by(known)
    entries = [_entry(item, undone.get(item.id)) for item in reversed(known[-arguments.max :])]
    return Entries(entries, len(known) > len(entries) or None, store.notes or None)


def _entry(item: Checkpoint, by: int | None) -> Entry:
    files = [changed_file(change) for change in item.files]
    return Entry(item.id, item.time, files, task_of(item.about), item.undoes, by)


def render(result: Entries, arguments: CheckpointsArguments, console: Any) -> None:
    """Print each with its files."""
    for entry in result.checkpoints:
        state = f" (undone by {entry.undone_by})" if entry.undone_by else ""
        what = (
            f"undo of {entry.undoes}"
            if entry.undoes
            else visible(entry.task or "edit").partition("\n")[0][:90]
        )
        console.out(f"{entry.id}  {_local(entry.time)}  {what}{state}", style="dim" if state else "bold")
        print_files(entry.files, console)


def _local(time: str) -> str:
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return visible(time)


def notes(result: Entries, arguments: CheckpointsArguments) -> list[str]:
    """Say that there is none, or that there are more."""
    said = list(result.notes or ())
    if not result:
        said.append("Nothing has landed here yet. Propose something with: dspy-agent edit TASK")
    if result.truncated:
        said.append("There are older ones: see --max.")
    return said
