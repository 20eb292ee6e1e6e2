"""The folder that an index lies in: its manifest and segments, mapped into memory, and its writer's lock.

A segment is written once and never changed; the manifest is replaced as a whole. So a reader has a sound
index at any moment, and a killed writer leaves at most a segment that no manifest names.
"""

from __future__ import annotations

import mmap
import os
import secrets
import shutil
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

import numpy as np

from dspy_agent.index.location import NAME
from dspy_agent.index.manifest import Manifest, decode, encode, require_inside
from dspy_agent.workspace.atomic import exclusive, write_atomic
from dspy_agent.workspace.files import open_regular
from dspy_agent_core.index.codec import Arrays, CorruptIndex, pack, unpack
from dspy_agent_core.index.segment import ARRAYS, Segment

_TRIES: Final = 100

Stamp = tuple[int, int, bytes]


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
        if self.path.name != NAME:  # a workspace that is gone does not come back
            self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.mkdir(exist_ok=True)
        ignore = self.path / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="ascii")

    def lock(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold the writer's lock: True, or False if another process writes."""
        return exclusive(self.path / "lock", wait=wait)

    def stamp(self) -> Stamp | None:
        """Return what tells one manifest from the next without reading all of it; None if there is none."""
        try:
            with open_regular(self.manifest_path) as file:
                found = os.fstat(file.fileno())
                return found.st_ino, found.st_mtime_ns, file.read(16)  # with the checksum of its head
        except OSError:
            return None

    def load(self) -> tuple[Manifest, list[Segment]] | None:
        """Return the manifest and its segments; None if there is none.

        Raises:
            CorruptIndex: if one of them is damaged or of another version.
            OSError: if one of them can't be read.
        """
        before = None
        for _ in range(_TRIES):
            stamp = self.stamp()
            try:
                manifest = self._manifest()
                if manifest is None:
                    return None
                return manifest, self.segments(manifest)
            except FileNotFoundError:  # a writer replaced the manifest, and removed old segments, in between
                if stamp is not None and stamp == before:
                    break
                before = stamp
        raise CorruptIndex("a segment that it names is missing")

    def _manifest(self) -> Manifest | None:
        try:
            with open_regular(self.manifest_path) as file:
                data = file.read()
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

    def opened(self) -> dict[str, Arrays]:
        """Return the arrays of the segments that were loaded."""
        return dict(self._open)

    def _map(self, name: str) -> Arrays:
        with open_regular(self.path / name) as file:
            if os.fstat(file.fileno()).st_size == 0:
                raise CorruptIndex("a segment is empty")
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        arrays = unpack(memoryview(mapped))[1]
        if ARRAYS - arrays.keys():
            raise CorruptIndex("a segment is none")
        require_inside(arrays["paths"], arrays["path_starts"])
        return arrays

    def write_segment(self, manifest: Manifest, arrays: Arrays) -> int:
        """Write a segment and name it in ``manifest``; return its number there.

        Raises:
            OSError: it can't be written.
        """
        # Never a name that was there before: who has that one open goes by the name.
        name = f"segment-{manifest.next_segment:06d}-{secrets.token_hex(4)}"
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
        for name in os.listdir(self.path):
            if name.startswith("segment-") and name not in named:
                _remove(self.path / name)

    def discard(self) -> None:
        """Remove the manifest: the next build starts anew.

        Raises:
            OSError: it can't be removed.
        """
        self._open = {}
        _remove(self.manifest_path)


def _remove(path: Path) -> None:
    """Remove a file, or a folder that somehow took its place."""
    try:
        path.unlink(missing_ok=True)
    except OSError:
        if not path.is_dir():
            raise
        shutil.rmtree(path)
