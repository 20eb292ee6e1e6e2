"""An index that is not saved: what is used where nothing can be written."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from dspy_agent.index.folder import IndexFolder, Stamp
from dspy_agent.index.manifest import Manifest
from dspy_agent_core.index.codec import Arrays, CorruptIndex
from dspy_agent_core.index.segment import Segment


class MemoryFolder(IndexFolder):
    """Has the face of a folder, and keeps segments in memory.

    Args:
        base: a folder that can't be written: what it holds is a start.
    """

    def __init__(self, base: IndexFolder | None = None) -> None:
        super().__init__(Path("/nonexistent") if base is None else base.path)
        self._manifest_now: Manifest | None = None
        try:
            found = base.load() if base is not None else None
        except (CorruptIndex, OSError):
            return
        if base is not None and found is not None:
            self._manifest_now, self._open = found[0], base.opened()

    def make(self) -> None:
        """Do nothing."""

    def lock(self, *, wait: bool) -> AbstractContextManager[bool]:
        """Hold nothing."""
        return nullcontext(True)

    def stamp(self) -> Stamp | None:
        """Return the generation."""
        return (0, self._manifest_now.generation, b"") if self._manifest_now else None

    def load(self) -> tuple[Manifest, list[Segment]] | None:
        """Return what was committed."""
        found = self._manifest_now
        return (found, self.segments(found)) if found else None

    def write_segment(self, manifest: Manifest, arrays: Arrays) -> int:
        """Keep a segment."""
        name = f"memory-{manifest.next_segment:06d}"
        manifest.next_segment += 1
        manifest.segments.append(name)
        self._open[name] = arrays
        return len(manifest.segments) - 1

    def commit(self, manifest: Manifest) -> None:
        """Take ``manifest`` as the one to load."""
        manifest.generation += 1
        self._manifest_now = manifest

    def discard(self) -> None:
        """Forget all."""
        self._open, self._manifest_now = {}, None
