"""The shadow store of a workspace: ``.dspy_checkpoints/``.

lock              one writer
proposal.json     what `diff` shows and `apply` lands
records/N.json    a checkpoint: what landed, with the versions before and after
journal.json      only while files are being replaced, see :mod:`dspy_agent.checkpoints.journal`
blobs/ab/abcd…    contents, zlib-compressed, under their SHA-256
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from dspy_agent.checkpoints.blobs import Blobs
from dspy_agent.checkpoints.diff import count_lines
from dspy_agent.checkpoints.history import listed, numbered, target_of, undo_conflict
from dspy_agent.checkpoints.journal import Journal, made_by, read_json, write_json
from dspy_agent.checkpoints.model import (
    Checkpoint,
    Damaged,
    FileChange,
    Proposal,
    Version,
    decode_checkpoint,
    decode_proposal,
    encode,
)
from dspy_agent.checkpoints.tree import MAX_FILE_BYTES, Tree, checked, new_mode, too_large
from dspy_agent.learning.exclude import keep_from_git
from dspy_agent.learning.locked import lock_soon
from dspy_agent_core.errors import WorkspaceError

NAME: Final = ".dspy_checkpoints"
MAX_FILES: Final = 500
MAX_TOTAL_BYTES: Final = 16 << 20
KEPT_CHECKPOINTS: Final = 200
KEPT_BYTES: Final = 256 << 20
_PATIENCE_SECONDS: Final = 10.0


class Store:
    """The store of ``workspace`` (from ``open_workspace``). ``notes`` collects what the user should know."""

    def __init__(self, workspace: Path) -> None:
        self.workspace = workspace
        self.folder = workspace / NAME
        self.notes: list[str] = []
        self._tree = Tree(workspace)
        self._blobs = Blobs(self.folder / "blobs")
        self._journal = Journal(self.folder, self._tree, self._blobs)

    def read(self, version: Version | None) -> bytes | None:
        """Return the content of a version.

        Raises:
            WorkspaceError: it is damaged.
        """
        if version is None:
            return None
        try:
            return self._blobs.get(version.blob)
        except Damaged as error:
            raise WorkspaceError(
                f"The checkpoint store is damaged: {error}.",
                code="CheckpointDamaged",
                next="Use another checkpoint: dspy-agent checkpoints",
            ) from None

    def propose(self, changes: Mapping[str, bytes | None], about: Mapping[str, Any]) -> Proposal:
        """Keep ``changes`` (None removes the file) as the pending proposal, in place of one before.

        Files that would stay as they are, are left out; with none left, nothing is kept.

        Raises:
            WorkspaceError: a path may not be changed, or a file is too large.
        """
        contents = {checked(path): data for path, data in changes.items()}
        _require_size(contents)
        with self._writing():
            found = [self._change(path, data) for path, data in sorted(contents.items())]
            files = tuple(change for change in found if change is not None)
            proposal = Proposal(_now(), files, about)
            if files:
                write_json(self.folder / "proposal.json", encode(proposal))
            else:
                self._forget_proposal()
        return proposal

    def _change(self, path: str, data: bytes | None) -> FileChange | None:
        found = self._tree.read(path)
        old = found[0] if found else None
        if old == data:
            return None
        before = Version(self._blobs.put(found[0]), found[1]) if found else None
        mode = found[1] if found else new_mode()
        after = None if data is None else Version(self._blobs.put(data), mode)
        return FileChange(path, before, after, *count_lines(old or b"", data or b""))

    def pending(self) -> Proposal | None:
        """Return the proposal that waits, if one does."""
        self._recovered()
        data = read_json(self.folder / "proposal.json")
        try:
            return None if data is None else decode_proposal(data)
        except Damaged:
            self.notes.append("The pending proposal is damaged: it is passed over.")
            return None

    def apply(self) -> Checkpoint:
        """Land the pending proposal.

        Raises:
            WorkspaceError: there is none, a file changed since it was made, or it can't be written.
        """
        if not self.folder.is_dir():
            raise _nothing_proposed()
        with self._writing():
            proposal = self.pending()
            if not proposal:
                raise _nothing_proposed()
            changed = [change.path for change in proposal.files if self._differs(change)]
            if changed:
                raise WorkspaceError(
                    f"Changed since the proposal was made: {listed(changed)}. Nothing was applied.",
                    code="Conflict",
                    next="Make the proposal anew: dspy-agent edit TASK",
                )
            checkpoint = self._land(proposal.files, proposal.about, None)
            self._forget_proposal()
            self._prune()
        return checkpoint

    def undo(self, number: int | None = None) -> Checkpoint:
        """Take back the checkpoint ``number``, or the last one that still stands; return the new checkpoint.

        Raises:
            WorkspaceError: there is no such one, it was undone, or a file changed since.
        """
        if not self.folder.is_dir():
            target_of([], number)
        with self._writing():
            known = self.checkpoints()
            target = target_of(known, number)
            files = tuple(change.reversed() for change in target.files)
            changed = [change.path for change in files if self._differs(change)]
            if changed:
                raise undo_conflict(target, changed, known)
            checkpoint = self._land(files, target.about, target)
            self._prune()
        return checkpoint

    def checkpoints(self) -> list[Checkpoint]:
        """Return all checkpoints, oldest first; damaged ones are passed over and noted."""
        self._recovered()
        found = []
        with contextlib.suppress(FileNotFoundError):
            for path in (self.folder / "records").glob("*.json"):
                try:
                    found.append(decode_checkpoint(read_json(path)))
                except Damaged:
                    self.notes.append(f"Checkpoint {path.stem} is damaged: it is passed over.")
        return sorted(found, key=lambda checkpoint: checkpoint.id)

    def checkpoint(self, number: int) -> Checkpoint:
        """Return one checkpoint.

        Raises:
            UsageError: there is no such one.
        """
        return numbered(self.checkpoints(), number)

    def _land(
        self, files: tuple[FileChange, ...], about: Mapping[str, Any], undone: Checkpoint | None
    ) -> Checkpoint:
        number = max((item.id for item in self.checkpoints()), default=0) + 1
        made = made_by(self._tree, files)
        checkpoint = Checkpoint(number, _now(), files, about, undone.id if undone else None, made)
        self._journal.land(checkpoint)
        for folder in reversed(undone.made if undone else ()):
            self._tree.remove_folder(folder)
        return checkpoint

    def _differs(self, change: FileChange) -> bool:
        try:
            return self._tree.version(change.path) != change.before
        except WorkspaceError:
            return True

    def _forget_proposal(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            (self.folder / "proposal.json").unlink()

    def _prune(self) -> None:
        """Forget the oldest checkpoints, never the last, and contents that nothing names."""
        known = self.checkpoints()
        sizes = dict(self._blobs.sizes())
        while len(known) > 1:
            named = {blob for item in known for blob in _blobs_of(item.files)}
            if len(known) <= KEPT_CHECKPOINTS and sum(sizes.get(blob, 0) for blob in named) <= KEPT_BYTES:
                break
            self._journal.record_path(known.pop(0).id).unlink()
        proposal = self.pending()
        kept = [item.files for item in known] + ([proposal.files] if proposal else [])
        self._blobs.keep_only({blob for files in kept for blob in _blobs_of(files)})

    def _recovered(self) -> None:
        if os.path.lexists(self.folder / "journal.json") and not self._holds:
            with self._writing():
                pass

    _holds = False

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make the store if need be, and hold its lock, with nothing left half-done."""
        try:
            self._make()
            lock = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        except OSError as error:
            raise _no_store(error) from None
        try:
            lock_soon(lock, _PATIENCE_SECONDS)
            self._holds = True
            self.notes += self._journal.recover()
            yield
        except TimeoutError:
            raise WorkspaceError(
                "Another process is changing files of this workspace.",
                code="Busy",
                next="Try again when it is done.",
            ) from None
        except OSError as error:
            raise _no_store(error) from None
        finally:
            self._holds = False
            os.close(lock)

    def _make(self) -> None:
        if not self.folder.is_dir():
            self.folder.mkdir()
            keep_from_git(self.workspace, NAME)
        if self.folder.is_symlink():
            raise OSError(errno.ELOOP, "it is a symlink")
        ignore = self.folder / ".gitignore"
        if not os.path.lexists(ignore):
            ignore.write_text("*\n", encoding="ascii")


def _blobs_of(files: tuple[FileChange, ...]) -> Iterator[str]:
    for change in files:
        for version in (change.before, change.after):
            if version is not None:
                yield version.blob


def _require_size(contents: Mapping[str, bytes | None]) -> None:
    for path, data in contents.items():
        if data is not None and len(data) > MAX_FILE_BYTES:
            raise too_large(path)
    total = sum(len(data) for data in contents.values() if data is not None)
    if len(contents) > MAX_FILES or total > MAX_TOTAL_BYTES:
        raise WorkspaceError(
            f"The change is too large: {len(contents)} files, {total >> 20} MiB.",
            code="ChangeTooLarge",
            next=f"Split it: at most {MAX_FILES} files and {MAX_TOTAL_BYTES >> 20} MiB at once.",
        )


def _nothing_proposed() -> WorkspaceError:
    return WorkspaceError(
        "There is no proposal to apply.", code="NothingProposed", next="Make one: dspy-agent edit TASK"
    )


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _no_store(error: OSError) -> WorkspaceError:
    return WorkspaceError(
        f"Changes can't be kept in {NAME} ({(error.strerror or str(error)).lower()}).",
        code="StoreUnusable",
        next="Make the workspace writable, or make room on its disk.",
    )
