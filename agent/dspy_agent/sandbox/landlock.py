"""Confines the files of this process by Landlock, which needs no privilege: where namespaces are refused."""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Iterator, Sequence
from typing import Final

from dspy_agent.sandbox import kernel

_CREATE: Final = 444
_ADD_RULE: Final = 445
_RESTRICT: Final = 446
_ASK_VERSION: Final = 1
_PATH_BENEATH: Final = 1

_EXECUTE: Final = 1 << 0
_WRITE_FILE: Final = 1 << 1
_READ_FILE: Final = 1 << 2
_READ_DIR: Final = 1 << 3
_TRUNCATE: Final = 1 << 14
_IOCTL_DEV: Final = 1 << 15
_READ: Final = _EXECUTE | _READ_FILE | _READ_DIR
_OF_FILES: Final = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_RIGHTS_OF: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # how many rights a version knows
_TCP: Final = 0b11  # since version 4
_SCOPES: Final = 0b11  # since version 6: abstract sockets, signals
_SHARED_MEMORY: Final = "/dev/shm"  # noqa: S108  semaphores are files there
_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")


def version() -> int:
    """Return the version of Landlock that the kernel has; 0 for none."""
    try:
        return kernel.call("landlock", _CREATE, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def confine(writable: Sequence[str], hidden: Sequence[str]) -> None:
    """Let this process, and what it runs, write below ``writable`` only and read all but ``hidden``.

    It must have given up gaining privileges. With a newer kernel, no TCP and no signals to others either.

    Raises:
        OSError: the kernel has no Landlock.
    """
    known = version()
    rights = (1 << _RIGHTS_OF.get(known, 16)) - 1
    given = struct.pack("QQQ", rights, _TCP if known >= 4 else 0, _SCOPES if known >= 6 else 0)
    ruleset = kernel.call("landlock_create_ruleset", _CREATE, given, len(given), 0)
    for path in _visible("/", frozenset(hidden)):
        _allow(ruleset, path, _READ & rights)
    for name in _DEVICES:
        _allow(ruleset, f"/dev/{name}", (_READ | _WRITE_FILE | _TRUNCATE | _IOCTL_DEV) & rights)
    for path in (*writable, _SHARED_MEMORY):
        _allow(ruleset, path, rights)
    kernel.call("landlock_restrict_self", _RESTRICT, ruleset, 0)
    os.close(ruleset)


def _visible(folder: str, hidden: frozenset[str]) -> Iterator[str]:
    """Yield what is in ``folder``, as few paths as leave out ``hidden``."""
    if not any(path.startswith(folder.rstrip("/") + "/") for path in hidden):
        yield folder
        return
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.path in hidden or entry.is_symlink():
                continue
            if entry.is_dir():
                yield from _visible(entry.path, hidden)
            else:
                yield entry.path


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        opened = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    try:
        if not os.path.isdir(path):
            rights &= _OF_FILES
        rule = ctypes.create_string_buffer(struct.pack("=Qi", rights, opened))
        kernel.call(f"landlock_add_rule {path}", _ADD_RULE, ruleset, _PATH_BENEATH, rule, 0)
    finally:
        os.close(opened)
