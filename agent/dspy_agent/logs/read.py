"""Reads the lines of a log file from its end, plain or gzip, in bounded memory."""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Final

from dspy_agent.workspace.files import BOMS_UTF16, open_regular
from dspy_agent_core.logs.lines import MAX_LINE

_CHUNK: Final = 1 << 18
_HOLE: Final = re.compile(rb"\0{64,}")
_SAMPLE: Final = 8192
_GZIP: Final = b"\x1f\x8b"


class NotALog(Exception):
    """The file can't be read as a log; the message says why."""


class LogFile:
    """The end of one log file.

    Args:
        path: a regular file; gzip is recognised by its content.
        limit: read at most this many bytes from the end (of the text, for gzip). None: all.

    Attributes:
        skipped: bytes before the part that is read; known once ``lines`` has begun.
        modified: the file's time, epoch seconds.

    Raises:
        NotALog: if it is binary, not a regular file, or can't be opened.
    """

    def __init__(self, path: Path, limit: int | None) -> None:
        self.skipped = 0
        self.damaged = ""
        self._limit = limit
        try:
            raw = open_regular(path)
        except (OSError, ValueError) as error:
            raise NotALog(
                error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            ) from None
        self.modified = os.fstat(raw.fileno()).st_mtime
        self._file: BinaryIO = raw
        self._size = os.fstat(raw.fileno()).st_size
        head = raw.read(_SAMPLE)
        raw.seek(max(0, self._size - _SAMPLE))
        tail = raw.read(_SAMPLE)
        self._is_gzip = head.startswith(_GZIP)
        self._encoding = BOMS_UTF16.get(head[:2], "utf-8")
        if not self._is_gzip and self._encoding == "utf-8" and _is_binary(head + tail):
            raw.close()
            raise NotALog("binary")

    def lines(self) -> Iterator[str]:
        """Yield the lines, oldest first, and close the file. Bytes that are no text become U+FFFD."""
        with self._file:
            if self._encoding != "utf-8":
                yield from self._wide()
            elif self._is_gzip:
                yield from _decoded(self._unzipped())
            else:
                yield from _decoded(self._from_end())

    def _from_end(self) -> BinaryIO:
        start = max(0, self._size - self._limit) if self._limit is not None else 0
        self._file.seek(start)
        buffered = io.BufferedReader(self._file, _CHUNK)  # type: ignore[type-var]
        if start:
            self.skipped = start + _skip_line(buffered)
        return buffered

    def _unzipped(self) -> BinaryIO:
        """Unpack to the end, keeping the last ``limit`` bytes; a damaged end keeps what came before."""
        self._file.seek(0)
        unpacked = io.BufferedReader(_Unpacked(self._file, self), _CHUNK)
        if self._limit is None:
            return unpacked
        kept = bytearray()
        while chunk := unpacked.read(_CHUNK):
            kept += chunk
            if len(kept) > 2 * self._limit:
                self.skipped += len(kept) - self._limit
                del kept[: -self._limit]
        if len(kept) > self._limit:
            self.skipped += len(kept) - self._limit
            del kept[: -self._limit]
        if _is_binary(kept[-_SAMPLE:]):
            raise NotALog("binary")
        tail = io.BytesIO(bytes(kept))
        if self.skipped:
            self.skipped += _skip_line(tail)
        return tail

    def _wide(self) -> Iterator[str]:
        self._file.seek(2)
        text = io.TextIOWrapper(io.BufferedReader(self._file), encoding=self._encoding, errors="replace")  # type: ignore[type-var]
        while line := text.readline(MAX_LINE):
            yield line


class _Unpacked(io.RawIOBase):
    """The text of a gzip file up to where it ends or is damaged, which is noted in ``log``."""

    def __init__(self, packed: BinaryIO, log: LogFile) -> None:
        self._gzip = gzip.GzipFile(fileobj=packed)
        self._log = log

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._gzip.read1(len(buffer))
        except (OSError, EOFError, zlib.error) as error:
            self._log.damaged = f"damaged gzip: {error}"
            return 0
        buffer[: len(data)] = data
        return len(data)


def _is_binary(sample: bytes | bytearray) -> bool:
    """Return whether ``sample`` has NULs other than a long run of them, which is a hole in a file."""
    return b"\0" in sample and b"\0" in _HOLE.sub(b"", sample)


def _skip_line(file: BinaryIO) -> int:
    skipped = 0
    while piece := file.readline(_CHUNK):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


def _decoded(file: BinaryIO) -> Iterator[str]:
    """Yield lines of at most ``MAX_LINE`` bytes; the rest of a longer one is passed over.

    A log that was cut while a program wrote to it begins with a hole of NULs: they are left out.
    """
    while raw := file.readline(MAX_LINE):
        if b"\0" in raw and not (raw := raw.replace(b"\0", b"")):
            continue
        if not raw.endswith(b"\n") and len(raw) == MAX_LINE:
            _skip_line(file)
        yield raw.decode("utf-8", "replace")


def stdin_lines(stream: BinaryIO) -> Iterator[str]:
    """Yield the lines of standard input until it ends."""
    return _decoded(stream)
