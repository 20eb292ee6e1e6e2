"""The index of one workspace, as tools use it: brought up to date, and open for searching."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from dspy_agent.index.folder import IndexFolder, Stamp
from dspy_agent.index.location import index_folder
from dspy_agent.index.manifest import Manifest
from dspy_agent.index.memory import MemoryFolder
from dspy_agent.index.scan import Changes, look_at, scan
from dspy_agent.index.update import Progress, Update, apply
from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.codec import CorruptIndex
from dspy_agent_core.index.segment import Segment


class Index:
    """The code index of ``workspace`` (absolute, from ``open_workspace``).

    ``tell_changed`` is called with the files that an update found with other content than before.
    ``notes`` collects what the user should know: an index that was damaged, one that could not be saved.
    """

    def __init__(
        self,
        workspace: Path,
        folder: IndexFolder | None = None,
        tell_changed: Callable[[Sequence[str]], None] | None = None,
    ) -> None:
        self.workspace = workspace
        self._tell_changed = tell_changed
        self.notes: list[str] = []
        self._folder = folder or IndexFolder(index_folder(workspace))
        self._stamp: Stamp | None = None
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

    def exists(self) -> bool:
        """Return whether there is an index on disk, sound or not."""
        return self._folder.stamp() is not None

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
            done = self._locked(None, progress, wait, thorough)
        return self._told(done)

    def update_files(self, paths: Iterable[str]) -> Update | None:
        """Bring the index up to date with some files, as a watcher names them; like :meth:`update`."""
        with self._lock:
            done = self._locked(list(paths), None, True, False)
        return self._told(done)

    def rebuild(self, *, progress: Progress | None = None) -> Update | None:
        """Forget what is known and read all files anew."""
        with self._lock:
            return self._locked(None, progress, True, True, anew=True)

    def _locked(
        self,
        paths: list[str] | None,
        progress: Progress | None,
        wait: bool,
        thorough: bool,
        *,
        anew: bool = False,
    ) -> Update | None:
        try:
            self._folder.make()
            with self._folder.lock(wait=wait) as held:
                if not held:
                    self.open()
                    return None
                return self._update(paths, progress, thorough, anew=anew)
        except OSError as error:
            self._say(
                f"The code index can't be saved in {self._folder.path} "
                f"({(error.strerror or str(error)).lower()}): this answer is made without saving it."
            )
        self._folder = MemoryFolder(None if anew else self._folder)
        return self._update(None, progress, thorough=False)

    def _update(
        self, paths: list[str] | None, progress: Progress | None, thorough: bool, *, anew: bool = False
    ) -> Update:
        if anew or not self.open():
            self._folder.discard()
            self._set(Manifest(), [])
        changes = self._changes(paths)
        bulk = len(changes.read) > 1000
        manifest = self._manifest.copy()  # other threads go on with the one they have
        self._stamp = None  # what is on disk may be ahead of it, if this fails
        done = apply(
            self._folder,
            os.fspath(self.workspace),
            manifest,
            changes,
            progress=progress,
            thorough=thorough or bulk,
        )
        self._set(manifest, self._folder.segments(manifest))
        self._stamp = self._folder.stamp()
        return done

    def _told(self, done: Update | None) -> Update | None:
        if done is not None and done.changed and self._tell_changed is not None:
            self._tell_changed(done.changed)
        return done

    def _changes(self, paths: list[str] | None) -> Changes:
        workspace = os.fspath(self.workspace)
        found = look_at(workspace, self._manifest, paths) if paths is not None else None
        return scan(workspace, self._manifest) if found is None else found

    def _set(self, manifest: Manifest, segments: list[Segment]) -> None:
        self._manifest = manifest
        self._corpus = Corpus(segments)

    def _say(self, note: str) -> None:
        if note not in self.notes:
            self.notes.append(note)
