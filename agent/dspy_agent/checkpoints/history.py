"""Which checkpoints stand, and which was taken back by which: pure, over lists in the order they landed."""

from __future__ import annotations

from dspy_agent.checkpoints.model import Checkpoint
from dspy_agent.workspace.paths import display
from dspy_agent_core.errors import UsageError, WorkspaceError


def target_of(known: list[Checkpoint], number: int | None) -> Checkpoint:
    """Return the checkpoint ``number``, or the last one that still stands, to be taken back.

    Raises:
        WorkspaceError: it was undone already, or nothing stands.
        UsageError: there is no such one.
    """
    undone = undone_by(known)
    if number is None:
        standing = [item for item in known if item.id not in undone and item.undoes is None]
        if not standing:
            raise WorkspaceError(
                "There is nothing to undo.", code="NothingToUndo", next="See: dspy-agent checkpoints"
            )
        return standing[-1]
    target = numbered(known, number)
    if number in undone:
        raise WorkspaceError(
            f"Checkpoint {number} was undone already.",
            code="AlreadyUndone",
            next=f"To have it back: dspy-agent undo {undone[number]}",
        )
    return target


def numbered(known: list[Checkpoint], number: int) -> Checkpoint:
    """Return the checkpoint ``number``.

    Raises:
        UsageError: there is no such one.
    """
    for item in known:
        if item.id == number:
            return item
    raise UsageError(
        f"There is no checkpoint {number}.", code="UnknownCheckpoint", next="See: dspy-agent checkpoints"
    )


def undone_by(known: list[Checkpoint]) -> dict[int, int]:
    """Return which checkpoints were taken back, each with the one that did."""
    undone: dict[int, int] = {}
    for item in reversed(known):  # whether an undo stands is known before what it took back
        if item.undoes is not None and item.id not in undone:
            undone[item.undoes] = item.id
    return undone


def undo_conflict(target: Checkpoint, changed: list[str], known: list[Checkpoint]) -> WorkspaceError:
    """Return the error for files that ``changed`` since ``target`` landed; it names what to undo first."""
    undone = undone_by(known)
    later = [
        item.id
        for item in known
        if item.id > target.id
        and item.id not in undone
        and item.undoes is None
        and any(change.path in changed for change in item.files)
    ]
    return WorkspaceError(
        f"Changed since checkpoint {target.id}: {listed(changed)}. Nothing was undone.",
        code="Conflict",
        next=f"Undo what came later first: dspy-agent undo {later[-1]}"
        if later
        else f"See what it did with dspy-agent diff {target.id}, and take that back by hand.",
    )


def listed(paths: list[str]) -> str:
    """Return ``paths`` as they are told: the first five."""
    more = f" and {len(paths) - 5} more" if len(paths) > 5 else ""
    return ", ".join(map(display, paths[:5])) + more
