"""Brings an index up to date: reads what changed, writes segments, and keeps their number small."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dspy_agent.index.extract import Extracted, extract
from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.manifest import Manifest
from dspy_agent.index.scan import Changes
from dspy_agent.index.workers import MOST, extract_with_workers, usable_cpus
from dspy_agent_core.index.segment import MAX_MERGED_POSTINGS, Segment, merge

BATCH_BYTES: Final = 4 << 20
BATCH_FILES: Final = 2_000
_ALONE_BYTES: Final = 1 << 20  # less than this is read in this process
_COMMIT_EVERY: Final = 8  # batches: what a killed build has to do again
_SMALL_SEGMENTS: Final = 8
_MANY_SEGMENTS: Final = 30
_SMALL: Final = 200_000  # postings: merging such segments takes some tens of milliseconds

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Update:
    """What an update did: files read anew, found unchanged in content, removed, and left out as no text.

    ``changed``: those of the files read anew that were there before, with other content.
    """

    read: int = 0
    same: int = 0
    gone: int = 0
    left_out: int = 0
    changed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.read or self.gone or self.left_out or self.same)


def apply(
    folder: IndexFolder,
    workspace: str,
    manifest: Manifest,
    changes: Changes,
    *,
    progress: Progress | None = None,
    thorough: bool = True,
) -> Update:
    """Bring ``manifest`` and its segments up to date with ``changes``, on disk too.

    The caller holds the lock. What is read is committed from time to time: a build that is killed is resumed.

    Args:
        folder: where the index lies.
        workspace: absolute.
        manifest: changed in place.
        changes: from ``scan``.
        progress: called with the files done and the files to do.
        thorough: also merge large segments.

    Raises:
        OSError: the index can't be written; what readers see is sound.
    """
    done = Update(gone=len(changes.gone))
    for path in changes.gone:
        manifest.files.pop(path, None)
    to_read = [(p, manifest.files[p].digest if p in manifest.files else 0) for p in changes.read]
    sizes = [changes.read[path].size for path, _ in to_read]
    # Until all is read the folders stay unknown, so that a resumed build looks everywhere.
    known = (manifest.folders, manifest.ignore_files)
    manifest.folders = {}
    seen = 0
    for number, found in enumerate(_extracted(workspace, to_read, sizes), 1):
        done = _record(folder, manifest, changes, found, done)
        seen += len(found.files) + len(found.same) + len(found.left_out) + len(found.gone)
        if progress is not None:
            progress(seen, len(to_read))
        if number % _COMMIT_EVERY == 0 and seen < len(to_read):
            folder.commit(manifest)
    manifest.folders, manifest.ignore_files = changes.folders, changes.ignore_files
    compact(folder, manifest, thorough=thorough)
    if done or known != (manifest.folders, manifest.ignore_files) or folder.stamp() is None:
        folder.commit(manifest)
    return done


def _record(
    folder: IndexFolder, manifest: Manifest, changes: Changes, found: Extracted, done: Update
) -> Update:
    """Write the segment of a batch and note its files."""
    number = folder.write_segment(manifest, found.arrays) if found.files else -1
    changed = tuple(path for path, _ in found.files if path in manifest.files)
    for local, (path, digest) in enumerate(found.files):
        manifest.files[path] = changes.read[path]._replace(segment=number, local=local, digest=digest)
    for path in found.same:
        old, new = manifest.files[path], changes.read[path]
        manifest.files[path] = new._replace(segment=old.segment, local=old.local, digest=old.digest)
    left_out = 0
    for path, digest in found.left_out.items():
        state = changes.read[path]._replace(digest=digest)
        state = state if digest else state._replace(mtime=-1)  # unreadable now: looked at again next time
        before = manifest.files.get(path)
        left_out += before is None or before.segment >= 0 or before.digest != digest
        manifest.files[path] = state
    gone = sum(manifest.files.pop(path, None) is not None for path in found.gone)
    return replace(
        done,
        read=done.read + len(found.files),
        same=done.same + len(found.same),
        gone=done.gone + gone,
        left_out=done.left_out + left_out,
        changed=done.changed + changed,
    )


def _extracted(workspace: str, files: Sequence[tuple[str, int]], sizes: Sequence[int]) -> Iterator[Extracted]:
    """Yield the segments of ``files``, in batches, with several processes if there is much to read."""
    cpus = min(usable_cpus(), MOST)
    batches = list(_batches(files, sizes, cpus))
    if sum(sizes) < _ALONE_BYTES or cpus == 1 or len(batches) < 2:
        for batch in batches:
            yield extract(workspace, batch)
    else:
        yield from extract_with_workers(workspace, batches, cpus)


def _batches(
    files: Sequence[tuple[str, int]], sizes: Sequence[int], cpus: int
) -> Iterator[list[tuple[str, int]]]:
    limit = max(min(BATCH_BYTES, sum(sizes) // (2 * cpus)), _ALONE_BYTES // 2)
    batch: list[tuple[str, int]] = []
    total = 0
    for file, size in zip(files, sizes, strict=True):
        batch.append(file)
        total += min(size, BATCH_BYTES)
        if total >= limit or len(batch) >= BATCH_FILES:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def compact(folder: IndexFolder, manifest: Manifest, *, thorough: bool) -> None:
    """Merge segments: all small ones where there are many, and those that are mostly dead."""
    segments = folder.segments(manifest)
    sizes = [len(segment.arrays["posting_chunks"]) for segment in segments]
    thorough = thorough or len(segments) > _MANY_SEGMENTS
    limit = MAX_MERGED_POSTINGS if thorough else _SMALL
    small = [number for number, size in enumerate(sizes) if size < limit]
    dead = [number for number in small if segments[number].alive_files.mean() < 0.5]
    empty = [n for n, segment in enumerate(segments) if not segment.alive_files.any()]
    groups: list[list[int]] = []
    if len(small) > (2 if thorough else _SMALL_SEGMENTS):
        # One that can't be put together with another is left as it is, unless much of it is dead.
        groups = [group for group in _groups(small, sizes) if len(group) > 1 or group[0] in dead]
    elif dead and thorough:
        groups = _groups(dead, sizes)
    if groups or empty:
        _merge(folder, manifest, segments, groups, empty)


def _groups(numbers: Sequence[int], sizes: Sequence[int]) -> list[list[int]]:
    """Return ``numbers`` in groups that are merged into one segment each, none too large."""
    groups: list[list[int]] = [[]]
    total = 0
    for number in numbers:
        if total + sizes[number] > MAX_MERGED_POSTINGS and groups[-1]:
            groups.append([])
            total = 0
        groups[-1].append(number)
        total += sizes[number]
    return groups


def _merge(
    folder: IndexFolder,
    manifest: Manifest,
    segments: Sequence[Segment],
    groups: Sequence[Sequence[int]],
    empty: Sequence[int],
) -> None:
    names = list(manifest.segments)
    merged = {number for group in groups for number in group} | set(empty)
    places: dict[str, tuple[str, int]] = {}  # path → segment name, local number
    manifest.segments = [name for number, name in enumerate(names) if number not in merged]
    for group in groups:
        kept = [segments[number] for number in group if segments[number].alive_files.any()]
        if not kept:
            continue
        number = folder.write_segment(manifest, merge(kept))
        alive = (
            path
            for segment in kept
            for path, is_alive in zip(segment.paths, segment.alive_files.tolist(), strict=True)
            if is_alive
        )
        for local, path in enumerate(alive):
            places[path] = (manifest.segments[number], local)
    numbers = {name: number for number, name in enumerate(manifest.segments)}
    moved = {number: numbers.get(name, -1) for number, name in enumerate(names)}
    for path, state in manifest.files.items():
        if path in places:
            name, local = places[path]
            manifest.files[path] = state._replace(segment=numbers[name], local=local)
        elif state.segment >= 0 and moved[state.segment] != state.segment:
            manifest.files[path] = state._replace(segment=moved[state.segment])
