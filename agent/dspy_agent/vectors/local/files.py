"""The files of a local store: keys and vectors that are appended to, and the list of commits.

    3.vectors   float32, one row a vector
    3.keys      uint64, the key of each row
    3.commits   how many rows are whole (see commits.py); renamed into place last
    model.json  whose vectors these are
    lock        held while something is written

The number is the generation: dropping what is no longer needed writes the next one.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np

from dspy_agent.vectors.arrays import Keys, Vectors
from dspy_agent.vectors.local.commits import Commit, covered, decode
from dspy_agent.workspace.atomic import exclusive, write_atomic
from dspy_agent_core.errors import WorkspaceError

VERSION: Final = 1
_ROWS_A_COPY: Final = 8192

# What of a file's metadata changes with each commit.
Signature: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Committed:
    """What of a generation is whole; ``signature`` changes when that does."""

    generation: int
    commits: list[Commit]
    end: int  # of the commits that are whole, in bytes
    signature: Signature

    @property
    def rows(self) -> int:
        """How many rows there are, lost ones included."""
        return covered(self.commits)


class StoreFiles:
    """The files of one model's vectors in ``folder``, which is made when something is written."""

    def __init__(self, folder: Path, dimension: int) -> None:
        self.folder = folder
        self._row = 4 * dimension
        self._dimension = dimension

    def path(self, generation: int, kind: str) -> Path:
        """Return the file of ``kind`` (``keys``, ``vectors`` or ``commits``)."""
        return self.folder / f"{generation}.{kind}"

    def signature(self, generation: int) -> Signature | None:
        """Return the signature of a generation as it is now; None if it is gone."""
        try:
            return _signature(self.path(generation, "commits").stat())
        except OSError:
            return None

    def committed(self) -> Committed | None:
        """Return what is whole of the newest generation; None if there is none.

        Raises:
            WorkspaceError: the files can't be read.
        """
        for _ in range(100):  # a generation may go while it is looked at: then there is a newer one
            generation = self._newest()
            if generation is None:
                return None
            try:
                with self.path(generation, "commits").open("rb") as file:
                    signature = _signature(os.fstat(file.fileno()))
                    data = file.read()
                rows = min(
                    self.path(generation, "keys").stat().st_size // 8,
                    self.path(generation, "vectors").stat().st_size // self._row,
                )
            except FileNotFoundError:
                if self._newest() == generation:  # half of it was deleted by hand
                    return Committed(generation, [], 0, (0, 0, 0, 0))
                continue
            except OSError as error:
                raise unusable(self.folder, "read", error) from None
            commits, end = decode(data, rows)
            return Committed(generation, commits, end, signature)
        return None

    def _newest(self) -> int | None:
        try:
            names = [path.name for path in self.folder.iterdir()]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise unusable(self.folder, "read", error) from None
        numbers = [name.removesuffix(".commits") for name in names if name.endswith(".commits")]
        return max((int(number) for number in numbers if number.isdecimal()), default=None)

    def read_keys(self, committed: Committed, start: int) -> Keys:
        """Return the keys of the rows from ``start`` on."""
        count = committed.rows - start
        if not count:
            return np.zeros(0, np.uint64)
        path = self.path(committed.generation, "keys")
        return np.fromfile(path, "<u8", count, offset=8 * start).astype(np.uint64, copy=False)

    def map_vectors(self, committed: Committed) -> Vectors:
        """Return the vectors, memory-mapped."""
        if not committed.rows:
            return np.zeros((0, self._dimension), np.float32)
        path = self.path(committed.generation, "vectors")
        mapped = np.memmap(path, "<f4", "r", shape=(committed.rows, self._dimension))
        return mapped.view(np.ndarray)

    @contextmanager
    def writing(self, model: str) -> Iterator[None]:
        """Hold the lock; the folder is made, and says whose vectors it has.

        Raises:
            WorkspaceError: the folder or a file in it can't be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with exclusive(self.folder / "lock", wait=True):
                self._name(model)
                yield
        except OSError as error:
            raise unusable(self.folder, "written", error) from None

    def _name(self, model: str) -> None:
        said = {"version": VERSION, "model": model, "dimension": self._dimension}
        if self.of_another_version():
            for path in self.folder.glob("[0-9]*.*"):
                path.unlink(missing_ok=True)
        if read_name(self.folder) != said:
            write_atomic(self.folder / "model.json", [json.dumps(said, indent=1).encode()])

    def of_another_version(self) -> bool:
        """Return whether another version of this program wrote the files, in another way."""
        said = read_name(self.folder)
        return said is not None and said.get("version") != VERSION

    def append(self, committed: Committed | None, keys: Keys, vectors: Vectors) -> None:
        """Write rows after those that are whole, durably; only with the lock held.

        Raises:
            OSError: the disk is full, or the like; what was there is as it was.
        """
        generation = committed.generation if committed else 1
        start = committed.rows if committed else 0
        end = committed.end if committed else 0
        pieces = _bytes(keys, vectors)
        commit = Commit(start, start + len(keys), zlib.crc32(pieces[0]), zlib.crc32(pieces[1]))
        _write_at(self.path(generation, "keys"), 8 * start, pieces[0])
        _write_at(self.path(generation, "vectors"), self._row * start, pieces[1])
        _write_at(self.path(generation, "commits"), end, commit.encode())
        if committed is None:
            _sync_folder(self.folder)

    def rewrite(self, committed: Committed, keys: Keys, vectors: Vectors, rows: Any) -> None:
        """Make a new generation of ``rows`` (in order) of the old one; only with the lock held.

        Raises:
            OSError: the disk is full, or the like; what was there is as it was.
        """
        new = committed.generation + 1
        checksum = 0
        kept = _bytes(keys[rows], vectors[:0])[0]
        try:
            _write_at(self.path(new, "keys"), 0, kept)
            with self.path(new, "vectors").open("wb") as file:
                for at in range(0, len(rows), _ROWS_A_COPY):
                    piece = _bytes(keys[:0], vectors[rows[at : at + _ROWS_A_COPY]])[1]
                    checksum = zlib.crc32(piece, checksum)
                    file.write(piece)
                file.flush()
                os.fsync(file.fileno())
            commit = Commit(0, len(rows), zlib.crc32(kept), checksum)
            write_atomic(self.path(new, "commits"), [commit.encode()])
        except OSError:
            for kind in ("keys", "vectors"):
                self.path(new, kind).unlink(missing_ok=True)
            raise
        self.drop_older(new)

    def drop_older(self, generation: int) -> None:
        """Delete what generations before ``generation`` left; only with the lock held."""
        for path in self.folder.glob("[0-9]*.*"):
            number = path.name.partition(".")[0]
            if number.isdecimal() and int(number) < generation:
                path.unlink(missing_ok=True)


def read_name(folder: Path) -> dict[str, Any] | None:
    """Return what ``model.json`` in ``folder`` says; None if it says nothing that can be read."""
    try:
        said = json.loads((folder / "model.json").read_bytes()[:10_000])
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def unusable(folder: Path, how: str, error: OSError) -> WorkspaceError:
    """Return the error of files that can't be read or written."""
    reason = (error.strerror or str(error)).lower()
    return WorkspaceError(
        f"Vectors in {folder} can't be {how}: {reason}.",
        code="VectorsUnusable",
        next=f"Make room, or see to the permissions of {folder}; or delete it: vectors are made anew.",
    )


def _signature(stat: os.stat_result) -> Signature:
    return stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns


def _bytes(keys: Keys, vectors: Vectors) -> tuple[bytes, bytes]:
    return keys.astype("<u8", copy=False).tobytes(), vectors.astype("<f4", copy=False).tobytes()


def _write_at(path: Path, offset: int, data: bytes) -> None:
    """Write ``data`` at ``offset``, as the end of the file; as if nothing had happened if that fails."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        os.ftruncate(file, offset)
        try:
            written = 0
            view = memoryview(data)
            while written < len(data):
                written += os.pwrite(file, view[written:], offset + written)
            os.fsync(file)
        except OSError:
            os.ftruncate(file, offset)
            raise
    finally:
        os.close(file)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
