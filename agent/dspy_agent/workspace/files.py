"""Opens files without ever waiting: a pipe, a socket or a device is refused instead of read."""

from __future__ import annotations

import errno
import os
import stat
from typing import Any, BinaryIO, Final

_MOST_TOML: Final = 1 << 20
BOM_UTF8 = b"\xef\xbb\xbf"
BOMS_UTF16 = {b"\xff\xfe": "utf-16-le", b"\xfe\xff": "utf-16-be"}


def open_regular(path: str | os.PathLike[str], *, follow: bool = True) -> BinaryIO:
    """Open the regular file ``path`` for reading, also behind a symlink if ``follow``.

    Raises:
        OSError: if it can't be opened, or is no regular file (EINVAL).
    """
    flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | (0 if follow else os.O_NOFOLLOW)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "not a regular file", os.fspath(path))
    return os.fdopen(descriptor, "rb", buffering=0)


def read_head(path: str | os.PathLike[str], limit: int = 4 << 20) -> bytes:
    """Return the first ``limit`` bytes of ``path``, or none if it can't be read."""
    try:
        with open_regular(path) as file:
            return file.read(limit)
    except (OSError, ValueError):
        return b""


def read_toml(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Return what the TOML file ``path`` holds; nothing if it can't be read, or is none."""
    import tomllib

    try:
        return tomllib.loads(read_head(path, _MOST_TOML).decode("utf-8", "replace"))
    except (tomllib.TOMLDecodeError, RecursionError):
        return {}


def read_text(path: str | os.PathLike[str], limit: int) -> str | None:
    """Return the text of ``path``; None if it is binary (has a NUL byte) or longer than ``limit`` bytes.

    UTF-16 with a byte order mark is decoded; bytes that are no UTF-8 become U+FFFD.

    Raises:
        OSError: if it can't be read.
    """
    with open_regular(path) as file:
        data = file.read(limit + 1)
    if len(data) > limit:
        return None
    text = decode_bom(data)
    return None if b"\0" in text else text.decode("utf-8", "replace")


def decode_bom(data: bytes) -> bytes:
    """Return ``data`` as UTF-8 without its byte order mark; without one, unchanged."""
    encoding = BOMS_UTF16.get(data[:2])
    if encoding is not None:
        return data[2:].decode(encoding, "replace").encode("utf-8")
    return data.removeprefix(BOM_UTF8)
