"""Tells what this user's program wrote from what a repository brought along.

A trained prompt steers a model, so that one from a stranger is an attack. Each file of that kind carries a
keyed hash; the key lies with the user, outside of any workspace, and no repository knows it.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import hmac
import os
import stat
from pathlib import Path
from typing import Final

from dspy_agent.session.state import state_dir

_BYTES: Final = 32


class Seal:
    """Makes and checks the hashes of one ``purpose``: what was sealed for another one does not fit."""

    def __init__(self, key: bytes, purpose: str) -> None:
        self._key = hashlib.blake2b(purpose.encode(), key=key, digest_size=_BYTES).digest()

    def of(self, data: bytes) -> str:
        """Return the hash that goes with ``data``."""
        return hashlib.blake2b(data, key=self._key, digest_size=16).hexdigest()

    def fits(self, data: bytes, seal: object) -> bool:
        """Return whether ``seal`` was made by this user for ``data``."""
        return isinstance(seal, str) and hmac.compare_digest(self.of(data).encode(), seal.encode())


def key_file() -> Path:
    """Return where the user's key lies, made or not."""
    return state_dir() / "seal.key"


def users_key() -> bytes | None:
    """Return the user's key; None if there is none that only the user can have written."""
    try:
        file = os.open(key_file(), os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        found = os.fstat(file)
        own = stat.S_ISREG(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077
        key = os.read(file, _BYTES + 1) if own else b""
    finally:
        os.close(file)
    return key if len(key) == _BYTES else None


def make_users_key() -> bytes:
    """Return the user's key, made if need be.

    Raises:
        OSError: it can't be made.
    """
    found = users_key()
    if found is not None:
        return found
    path = key_file()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    new = path.with_name(f"{path.name}.{os.urandom(4).hex()}")
    file = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, os.urandom(_BYTES))
        os.fsync(file)
        os.close(file)
        with contextlib.suppress(FileExistsError):  # another process was first: its key counts
            os.link(new, path)
    finally:
        new.unlink()
    key = users_key()
    if key is None:
        raise PermissionError(errno.EPERM, "not a file of the user's alone (chmod 600)", os.fspath(path))
    return key
