"""The manifest of an index: which files it holds, in which segment, and how each looked when it was read."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from dspy_agent_core.index.codec import Arrays, CorruptIndex, all_texts, pack_texts

VERSION: Final = 1  # of the arrays, the chunks and the terms: another one is built anew


class FileState(NamedTuple):
    """One file: where its chunks are, and what it was when it was read.

    ``segment`` is a number in ``Manifest.segments``, -1 for a file that has none (binary, unreadable);
    ``mtime`` is -1 where a write just then could have gone unseen, so that the next look reads it again.
    Times are in nanoseconds.
    """

    segment: int
    local: int
    size: int
    mtime: int
    ctime: int
    digest: int


@dataclass(slots=True)
class Manifest:
    """What an index holds.

    ``segments``: file names. ``folders``: path → modification time in nanoseconds; ``ignore_files``: path →
    the same, of the files with ignore rules.
    """

    segments: list[str] = field(default_factory=list)
    files: dict[str, FileState] = field(default_factory=dict)
    folders: dict[str, int] = field(default_factory=dict)
    ignore_files: dict[str, int] = field(default_factory=dict)
    generation: int = 0
    next_segment: int = 0

    def copy(self) -> Manifest:
        """Return one that can be changed apart from this."""
        return replace(self, segments=list(self.segments), files=dict(self.files))


def encode(manifest: Manifest) -> tuple[dict[str, object], Arrays]:
    """Return the manifest as what ``codec.pack`` takes."""
    paths, path_starts = pack_texts(list(manifest.files))
    folders, folder_starts = pack_texts(list(manifest.folders))
    rows = list(manifest.files.values())
    table = np.array([row[:5] for row in rows], np.int64).reshape(-1, 5)
    meta = {
        "version": VERSION,
        "generation": manifest.generation,
        "next_segment": manifest.next_segment,
        "segments": manifest.segments,
        "ignore_files": manifest.ignore_files,
    }
    return meta, {
        "paths": paths,
        "path_starts": path_starts,
        "table": table,
        "hashes": np.array([row.digest for row in rows], np.uint64),
        "folders": folders,
        "folder_starts": folder_starts,
        "folder_times": np.array(list(manifest.folders.values()), np.int64),
    }


def decode(meta: dict[str, object], arrays: Arrays) -> Manifest:
    """Return the manifest that :func:`encode` took apart.

    Raises:
        CorruptIndex: if it is of another version, or not one at all.
    """
    if meta.get("version") != VERSION:
        raise CorruptIndex(f"it is of version {meta.get('version')}, and this program writes {VERSION}")
    try:
        for blob, starts in (("paths", "path_starts"), ("folders", "folder_starts")):
            require_inside(arrays[blob], arrays[starts])
        if any("/" in name for name in meta["segments"]):  # type: ignore[attr-defined]
            raise CorruptIndex("it names files elsewhere")
        paths = all_texts(arrays["paths"], arrays["path_starts"])
        states = [
            FileState(segment, local, size, mtime, ctime, digest)
            for (segment, local, size, mtime, ctime), digest in zip(
                arrays["table"].tolist(), arrays["hashes"].tolist(), strict=True
            )
        ]
        folders = all_texts(arrays["folders"], arrays["folder_starts"])
        return Manifest(
            segments=list(meta["segments"]),  # type: ignore[call-overload]
            files=dict(zip(paths, states, strict=True)),
            folders=dict(zip(folders, arrays["folder_times"].tolist(), strict=True)),
            ignore_files=dict(meta["ignore_files"]),  # type: ignore[call-overload]
            generation=int(meta["generation"]),  # type: ignore[call-overload]
            next_segment=int(meta["next_segment"]),  # type: ignore[call-overload]
        )
    except CorruptIndex:
        raise
    except (KeyError, ValueError, TypeError) as error:
        raise CorruptIndex(f"its parts don't fit each other ({error})") from None


def require_inside(blob: NDArray[np.uint8], starts: NDArray[np.uint32]) -> None:
    """Check that packed paths stay in the workspace: an index may come with a repository that is not trusted.

    Raises:
        CorruptIndex: if one is absolute, or goes up.
    """
    data = blob.tobytes()
    first = starts[:-1][starts[:-1] < starts[1:]]
    goes_up = b".." in data and any(
        ".." in path.split("/") for path in all_texts(blob, starts) if ".." in path
    )
    if goes_up or b"\0" in data or bool((blob[first] == ord("/")).any()):
        raise CorruptIndex("it names files elsewhere")
