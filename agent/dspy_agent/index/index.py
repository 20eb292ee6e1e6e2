"""The index of one workspace, as tools use it: brought up to date, and open for searching."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable
from pathlib import Path

from dspy_agent.index.folder import IndexFolder, index_folder
from dspy_agent.index.manifest import Manifest
from dspy_agent.index.memory import MemoryFolder
from dspy_agent.index.scan import Changes, look_at, scan
from dspy_agent.index.update import Progress, Update, apply
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.codec import CorruptIndex
from dspy_agent_core.index.segment import Segment


class Index:
    """The code index of ``workspace`` (absolute, from ``open_workspace``).

    ``notes`` collects what the user should know: an index that was damaged, one that could not be saved.
    """

    def __init__(self, workspace: Path, folder: IndexFolder | None = None) -> None:
        self.workspace = workspace
        self.notes: list[str] = []
        self._folder = folder or IndexFolder(index_folder(workspace))
        self._stamp: tuple[int, int] | None = None
        self._manifest = Manifest()
        self._corpus = Corpus(())
        self._lock = threading.RLock()

    @property
    def folder(self) -> Path:
        """Where the index lies."""
        return self._folder.path

    @property
    def manifest(self) -> Manifest:
        """What it holds. Not to be changed."""
        return self._manifest

    @property
    def corpus(self) -> Corpus:
        """Its chunks, as of the last :meth:`open` or :meth:`update`."""
        return self._corpus

    def open(self) -> bool:
        """Read the index as it is on disk, if it changed since; return whether there is one."""
        with self._lock:
            return self._open()

    def _open(self) -> bool:
        stamp = self._folder.stamp()
        if stamp == self._stamp and stamp is not None:
            return True
        try:
            found = self._folder.load()
        except CorruptIndex as error:
            self._say(f"The code index can't be used ({error}): it is built anew.")
            self._set(Manifest(), [])
            return False
        except OSError as error:
            self._say(f"The code index can't be read ({(error.strerror or str(error)).lower()}).")
            self._set(Manifest(), [])
            return False
        if found is None:
            self._set(Manifest(), [])
            return False
        self._set(*found)
        self._stamp = stamp
        return True

    def update(
        self, *, progress: Progress | None = None, wait: bool = True, thorough: bool = False
    ) -> Update | None:
        """Bring the index up to date; return what was done, or None if another process is at it.

        Args:
            progress: called with the files done and those to do.
            wait: until another process that updates it is through.
            thorough: also put large segments together.
        """
        with self._lock:
            return self._locked(None, progress, wait, thorough)

    def update_files(self, paths: Iterable[str]) -> Update | None:
        """Bring the index up to date with some files, as a watcher names them; like :meth:`update`."""
        with self._lock:
            return self._locked(list(paths), None, True, False)

    def rebuild(self, *, progress: Progress | None = None) -> Update | None:
        """Forget what is known and read all files anew."""
        with self._lock:
            self._folder.discard()
            self._stamp = None
            return self._locked(None, progress, True, True)

    def _locked(
        self, paths: list[str] | None, progress: Progress | None, wait: bool, thorough: bool
    ) -> Update | None:
        try:
            self._folder.make()
            with self._folder.lock(wait=wait) as held:
                if not held:
                    self.open()
                    return None
                return self._update(paths, progress, thorough)
        except OSError as error:
            self._say(
                f"The code index can't be saved in {self._folder.path} "
                f"({(error.strerror or str(error)).lower()}): this answer is made without saving it."
            )
        self._folder = MemoryFolder()
        return self._update(None, progress, thorough=False)

    def _update(self, paths: list[str] | None, progress: Progress | None, thorough: bool) -> Update:
        if not self.open():
            self._folder.discard()
        changes = self._changes(paths)
        bulk = len(changes.read) > 1000
        manifest = self._manifest
        try:
            done = apply(
                self._folder,
                os.fspath(self.workspace),
                manifest,
                changes,
                progress=progress,
                thorough=thorough or bulk,
            )
        except BaseException:
            self._stamp = None  # what is in memory is ahead of what is on disk
            raise
        self._set(manifest, self._folder.segments(manifest))
        self._stamp = self._folder.stamp()
        return done

    def _changes(self, paths: list[str] | None) -> Changes:
        known = self._manifest.files
        if paths is not None and all(path in known for path in paths):
            return look_at(os.fspath(self.workspace), self._manifest, paths)
        return scan(os.fspath(self.workspace), self._manifest)

    def _set(self, manifest: Manifest, segments: list[Segment]) -> None:
        self._manifest = manifest
        self._corpus = Corpus(segments)

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
