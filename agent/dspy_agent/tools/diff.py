"""``diff``: what a proposal, or a checkpoint, changes; and the parts that the other change tools share."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from dspy_agent.checkpoints.diff import unified
from dspy_agent.checkpoints.model import FileChange
from dspy_agent.checkpoints.store import Store
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.change_arguments import DiffArguments
from dspy_agent.tools.console import visible
from dspy_agent.workspace.paths import display


@dataclass(frozen=True, slots=True)
class ChangedFile:
    """A file, the lines added and removed, and what happens to it: ``new``, ``changed`` or ``removed``."""

    path: str
    kind: str
    added: int
    removed: int
    diff: str | None = None


@dataclass(frozen=True, slots=True)
class Diff:
    """Changes of files. ``checkpoint``: the one that made them; left out for a proposal. False if none waits.

    ``task`` and ``time``: what it was made for, and when.
    """

    files: list[ChangedFile] = field(default_factory=list)
    checkpoint: int | None = None
    task: str | None = None
    time: str | None = None
    notes: list[str] | None = None

    def __bool__(self) -> bool:
        return bool(self.files)


def run(arguments: DiffArguments, context: ToolContext) -> Diff:
    """Return the diff of the proposal, or of a checkpoint.

    Raises:
        UsageError: there is no such checkpoint.
        WorkspaceError: the store is damaged.
    """
    store = Store(context.workspace)
    found = store.pending() if arguments.id is None else store.checkpoint(arguments.id)
    if found is None:
        return Diff(notes=store.notes or None)
    return Diff(
        [changed_file(change, store) for change in found.files],
        arguments.id,
        task_of(found.about),
        found.time,
        store.notes or None,
    )


def changed_file(change: FileChange, store: Store | None = None) -> ChangedFile:
    """Return ``change`` for people, with its diff if ``store`` is given."""
    kind = "new" if change.before is None else "removed" if change.after is None else "changed"
    text = unified(change.path, store.read(change.before), store.read(change.after)) if store else None
    return ChangedFile(
        display(change.path), kind, change.added, change.removed, display(text) if text is not None else None
    )


def task_of(about: Any) -> str | None:
    """Return what changes were made for."""
    task = about.get("task")
    return task if isinstance(task, str) and task else None


def render(result: Diff, arguments: DiffArguments, console: Any) -> None:
    """Print the diffs as git does."""
    for item in result.files:
        print_diff(item.diff or "", console)


def print_diff(text: str, console: Any) -> None:
    """Print a unified diff, in colours on a terminal."""
    lines = text.split("\n")
    for number, line in enumerate(lines[:-1] if lines[-1] == "" else lines):
        console.out(visible(line), style=_style(line, heading=number < 2))


def _style(line: str, *, heading: bool) -> str | None:
    if heading:
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan", "\\": "dim"}.get(line[:1])


def print_files(files: Iterable[ChangedFile], console: Any) -> None:
    """Print one line a file: what happened to it, and how much."""
    for item in files:
        console.out(f"  {item.kind:<8}{visible(item.path)}  ", end="")
        console.out(f"+{item.added}", style="green", end=" ")
        console.out(f"-{item.removed}", style="red")


def notes(result: Diff, arguments: DiffArguments) -> list[str]:
    """Say that nothing waits, or what to do with what does."""
    said = list(result.notes or ())
    if not result:
        return [*said, "No proposal waits. Make one with: dspy-agent edit TASK"]
    return said if arguments.id is not None else [*said, "Not applied yet. Land it with: dspy-agent apply"]
