"""Unpacks log files that rotation has packed, in bounded memory and time."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from typing import Any, BinaryIO, Final

# First bytes of a packed file, what packed it, and how much of it is unpacked in about two seconds.
_KINDS: Final[tuple[tuple[bytes, str, int], ...]] = (
    (b"\x1f\x8b", "gzip", 512 << 20),
    (b"BZh", "bzip2", 48 << 20),
    (b"\xfd7zXZ\0", "xz", 192 << 20),
)
# What the standard library can't unpack, and what can.
_FOREIGN: Final[tuple[tuple[bytes, str], ...]] = (
    (b"\x28\xb5\x2f\xfd", "zstd-packed: unpack it with zstd -d"),
    (b"\x04\x22\x4d\x18", "lz4-packed: unpack it with lz4 -d"),
    (b"PK\x03\x04", "a zip archive: unpack it"),
)


def packing(head: bytes) -> str | None:
    """Return what packed a file that begins with ``head``, if it can be unpacked here."""
    return next((name for magic, name, _ in _KINDS if head.startswith(magic)), None)


def foreign_packing(head: bytes) -> str | None:
    """Return what to say of a packed file that can't be unpacked here."""
    return next((said for magic, said in _FOREIGN if head.startswith(magic)), None)


class Unpacked(io.RawIOBase):
    """The text of a packed file, up to where it ends, is damaged, or enough was unpacked.

    Args:
        file: the packed file, at its start.
        kind: a result of ``packing``.
        bounded: stop after what can be unpacked in short time.

    Attributes:
        trouble: why there is more that was not unpacked.
    """

    def __init__(self, file: BinaryIO, kind: str, bounded: bool) -> None:
        self.trouble = ""
        self._kind = kind
        self._left = next(size for _, name, size in _KINDS if name == kind) if bounded else None
        self._file: Any = _OPEN[kind](file)

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Unpack as much as ``buffer`` takes; return how much that was."""
        if self._left is not None and self._left <= 0:
            self.trouble = "only its beginning was unpacked"
            return 0
        try:
            data: bytes = self._file.read1(len(buffer))
        except (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError) as error:
            self.trouble = f"damaged {self._kind}: {error}"
            return 0
        buffer[: len(data)] = data
        if self._left is not None:
            self._left -= len(data)
        return len(data)


_OPEN: Final[dict[str, Callable[[BinaryIO], Any]]] = {
    "gzip": lambda file: gzip.GzipFile(fileobj=file),
    "bzip2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
}
