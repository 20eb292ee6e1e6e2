"""The folder that an index lies in: its manifest and segments, mapped into memory, and its writer's lock.

A segment is written once and never changed; the manifest is replaced as a whole. So a reader has a sound
index at any moment, and a killed writer leaves at most a segment that no manifest names.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import numpy as np

from dspy_agent.index.manifest import Manifest, decode, encode
from dspy_agent.session.state import state_dir
from dspy_agent.workspace.atomic import exclusive, write_atomic
from dspy_agent_core.index.codec import Arrays, CorruptIndex, pack, unpack
from dspy_agent_core.index.segment import Segment

NAME: Final = ".dspy_index"
_TRIES: Final = 5


def index_folder(workspace: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the index of ``workspace`` lies.

    That is ``DSPY_AGENT_INDEX_DIR``, or ``.dspy_index`` in it, or, where that can't be written, a folder of
    the user's own state.
    """
    if given := environ.get("DSPY_AGENT_INDEX_DIR"):
        return Path(given)
    inside = workspace / NAME
    try:
        inside.mkdir(exist_ok=True)
        if os.access(inside, os.W_OK | os.X_OK):
            return inside
    except OSError:
        pass
    name = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:16]
    return state_dir() / "index" / name


class IndexFolder:
    """One index on disk.

    Args:
        path: its folder; made if need be.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open: dict[str, Arrays] = {}

    @property
    def manifest_path(self) -> Path:
        """The file of the manifest."""
        return self.path / "manifest"

    def make(self) -> None:
        """Make the folder, one that git leaves alone.

        Raises:
            OSError: it can't be made.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")

    def lock(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold the writer's lock: True, or False if another process writes."""
        return exclusive(self.path / "lock", wait=wait)

    def stamp(self) -> tuple[int, int] | None:
        """Return what tells one manifest from the next without reading it; None if there is none."""
        try:
            found = self.manifest_path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def load(self) -> tuple[Manifest, list[Segment]] | None:
        """Return the manifest and its segments; None if there is none.

        Raises:
            CorruptIndex: if one of them is damaged or of another version.
            OSError: if one of them can't be read.
        """
        for _ in range(_TRIES):
            try:
                manifest = self._manifest()
                if manifest is None:
                    return None
                return manifest, self.segments(manifest)
            except FileNotFoundError:  # a writer replaced the manifest, and removed old segments, in between
                continue
        raise CorruptIndex("a segment that it names is missing")

    def _manifest(self) -> Manifest | None:
        try:
            data = self.manifest_path.read_bytes()
        except FileNotFoundError:
            return None
        return decode(*unpack(data))

    def segments(self, manifest: Manifest) -> list[Segment]:
        """Return the segments that ``manifest`` names, with only those files alive that it lists there."""
        self._open = {name: self._open.get(name) or self._map(name) for name in manifest.segments}
        sizes = [len(self._open[name]["path_starts"]) - 1 for name in manifest.segments]
        alive = [np.zeros(size, np.bool_) for size in sizes]
        for state in manifest.files.values():
            if state.segment >= 0:
                if state.segment >= len(sizes) or state.local >= sizes[state.segment]:
                    raise CorruptIndex("its manifest names what its segments don't hold")
                alive[state.segment][state.local] = True
        return [Segment(self._open[name], kept) for name, kept in zip(manifest.segments, alive, strict=True)]

    def _map(self, name: str) -> Arrays:
        with (self.path / name).open("rb") as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CorruptIndex("a segment is empty")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        return unpack(memoryview(mapped))[1]

    def write_segment(self, manifest: Manifest, arrays: Arrays) -> int:
        """Write a segment and name it in ``manifest``; return its number there.

        Raises:
            OSError: it can't be written.
        """
        name = f"segment-{manifest.next_segment:06d}"
        write_atomic(self.path / name, pack({}, arrays))
        manifest.next_segment += 1
        manifest.segments.append(name)
        self._open[name] = arrays
        return len(manifest.segments) - 1

    def commit(self, manifest: Manifest) -> None:
        """Make ``manifest`` the one that readers see, and remove segments that it doesn't name.

        Raises:
            OSError: it can't be written; readers see the one before.
        """
        manifest.generation += 1
        write_atomic(self.manifest_path, pack(*encode(manifest)))
        named = set(manifest.segments)
        for entry in os.scandir(self.path):
            if entry.name.startswith("segment-") and entry.name not in named:
                Path(entry.path).unlink(missing_ok=True)

    def discard(self) -> None:
        """Remove the manifest: the next build starts anew."""
        self._open = {}
        self.manifest_path.unlink(missing_ok=True)
