"""Lands changes as a whole: what is to be done is on disk before the first file is replaced.

The checkpoint's record is what commits. A journal without its record means that the process ended in between:
whoever opens the store next puts the files back as they were.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from dspy_agent.checkpoints.blobs import Blobs
from dspy_agent.checkpoints.model import Checkpoint, Damaged, FileChange, Version, decode_checkpoint, encode
from dspy_agent.checkpoints.tree import Tree, checked
from dspy_agent.workspace.atomic import write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent.workspace.paths import display
from dspy_agent_core.errors import AgentError, WorkspaceError

MAX_RECORD_BYTES: Final = 16 << 20


class Journal:
    """The journal of one store; whoever uses it holds the store's lock."""

    def __init__(self, folder: Path, tree: Tree, blobs: Blobs) -> None:
        self._path = folder / "journal.json"
        self._records = folder / "records"
        self._tree = tree
        self._blobs = blobs

    def land(self, checkpoint: Checkpoint) -> None:
        """Bring the files from ``before`` to ``after``, all or none, and record that.

        The contents of both must be among the blobs.

        Raises:
            WorkspaceError: they can't be written; then they are as they were.
        """
        write_json(self._path, encode(checkpoint))
        try:
            for folder in checkpoint.made:
                self._tree.make_folder(folder)
            for change in checkpoint.files:
                self._bring(change.path, change.after)
            self._records.mkdir(exist_ok=True)
            write_json(self.record_path(checkpoint.id), encode(checkpoint))
        except (OSError, Damaged) as error:
            self._roll_back(checkpoint)
            raise _failed(error) from None
        self._path.unlink()

    def recover(self) -> list[str]:
        """End what a killed process began; return sentences that tell what was done."""
        data = read_json(self._path)
        if data is None:
            return []
        try:
            checkpoint = decode_checkpoint(data)
            for change in checkpoint.files:
                checked(change.path)
            for folder in checkpoint.made:
                checked(folder)
        except (Damaged, WorkspaceError):
            raise _journal_damaged(self._path) from None
        if os.path.lexists(self.record_path(checkpoint.id)):
            for change in checkpoint.files:
                self._tree.remove_leftover(change.path)
            self._path.unlink()
            return []
        foreign = self._roll_back(checkpoint)
        told = ["An interrupted change was taken back: no file of it has landed."]
        if foreign:
            told.append(f"Left as they are, since somebody else changed them: {', '.join(foreign)}.")
        return told

    def record_path(self, number: int) -> Path:
        """Return where the record of a checkpoint lies."""
        return self._records / f"{number}.json"

    def _roll_back(self, checkpoint: Checkpoint) -> list[str]:
        """Put the files back as they were; return those that somebody else changed since.

        Raises:
            WorkspaceError: it can't be done now; the journal stays.
        """
        foreign = []
        try:
            for change in reversed(checkpoint.files):
                self._tree.remove_leftover(change.path)
                found = self._found(change)
                if found == change.after != change.before:
                    self._bring(change.path, change.before)
                elif found != change.before:
                    foreign.append(display(change.path))
            for folder in reversed(checkpoint.made):
                self._tree.remove_folder(folder)
            self.record_path(checkpoint.id).unlink(missing_ok=True)
            self._path.unlink()
        except (OSError, Damaged) as error:
            raise _stuck(error) from None
        return foreign

    def _found(self, change: FileChange) -> Version | str | None:
        try:
            return self._tree.version(change.path)
        except WorkspaceError:
            return "something else"

    def _bring(self, path: str, version: Version | None) -> None:
        if version is None:
            self._tree.remove(path)
        else:
            self._tree.write(path, self._blobs.get(version.blob), version.mode)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Replace the file by ``value``: after a crash it is the old or the new one.

    Raises:
        OSError: it can't be written.
    """
    write_atomic(path, [json.dumps(value).encode("ascii"), b"\n"])


def read_json(path: Path) -> Any:
    """Return what the file holds: None if there is none, ``""`` if it is damaged."""
    try:
        with open_regular(path, follow=False) as file:
            return json.loads(file.read(MAX_RECORD_BYTES))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError):
        return ""


def made_by(tree: Tree, files: Iterable[FileChange]) -> tuple[str, ...]:
    """Return the folders that must be made for ``files``, outer ones first."""
    new = (folder for change in files if change.after for folder in tree.missing_folders(change.path))
    return tuple(dict.fromkeys(new))


def _failed(error: Exception) -> AgentError:
    reason = getattr(error, "strerror", None) or str(error)
    return WorkspaceError(
        f"The change can't be written ({reason.lower()}): nothing was changed.",
        code="WriteFailed",
        next="Make room or change the permissions, then run it again.",
    )


def _stuck(error: Exception) -> AgentError:
    reason = getattr(error, "strerror", None) or str(error)
    return WorkspaceError(
        f"An interrupted change can't be taken back yet ({reason.lower()}).",
        code="RollBackFailed",
        next="Make room or change the permissions, then run: dspy-agent checkpoints",
    )


def _journal_damaged(path: Path) -> AgentError:
    return WorkspaceError(
        "The journal of an interrupted change is damaged.",
        code="JournalDamaged",
        next=f"Look through your files (git diff), then remove {display(os.fspath(path))}",
    )
