"""System calls that the standard library lacks. Needs nothing else: it runs inside the sandbox."""

from __future__ import annotations

import ctypes
import os
from typing import Any, Final

NEWNS: Final = 0x00020000
NEWCGROUP: Final = 0x02000000
NEWUTS: Final = 0x04000000
NEWIPC: Final = 0x08000000
NEWUSER: Final = 0x10000000
NEWPID: Final = 0x20000000
NEWNET: Final = 0x40000000

MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_REC: Final = 0x4000
MS_PRIVATE: Final = 1 << 18

ATTR_RDONLY: Final = 1
ATTR_NOSUID: Final = 2
ATTR_NODEV: Final = 4

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_DUMPABLE: Final = 4
_PR_CAPBSET_DROP: Final = 24
_PR_SET_CHILD_SUBREAPER: Final = 36
_PR_SET_NO_NEW_PRIVS: Final = 38
_OPEN_TREE: Final = 428
_MOVE_MOUNT: Final = 429
_MOUNT_SETATTR: Final = 442
_AT_FDCWD: Final = -100
_AT_EMPTY_PATH: Final = 0x1000
_AT_RECURSIVE: Final = 0x8000
_CLONE_TREE: Final = 1
_MOVE_FROM_FD: Final = 4  # MOVE_MOUNT_F_EMPTY_PATH
_CAPABILITY_VERSION_3: Final = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")
    return result


def call(what: str, number: int, *arguments: Any) -> int:
    """Make the system call ``number``; integers are passed as 64 bits.

    Raises:
        OSError: it failed; ``what`` is named.
    """
    wide = [ctypes.c_long(item) if isinstance(item, int) else item for item in arguments]
    return _checked(_libc.syscall(ctypes.c_long(number), *wide), what)


def unshare(flags: int) -> None:
    """Leave the namespaces that ``flags`` name for new ones."""
    _checked(_libc.unshare(flags), "unshare")


def mount(source: str, target: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    """Mount ``source`` at ``target``."""
    found = _libc.mount(
        os.fsencode(source), os.fsencode(target), kind.encode(), ctypes.c_ulong(flags), data.encode()
    )
    _checked(found, f"mount {target}")


def clone_mount(path: str) -> int:
    """Return an open copy of the mount of ``path`` and of those below it."""
    flags = _CLONE_TREE | _AT_RECURSIVE | os.O_CLOEXEC
    return call(f"open_tree {path}", _OPEN_TREE, _AT_FDCWD, os.fsencode(path), flags)


def attach_mount(copy: int, target: str) -> None:
    """Put the mount from ``clone_mount`` at ``target``."""
    call(f"move_mount {target}", _MOVE_MOUNT, copy, b"", _AT_FDCWD, os.fsencode(target), _MOVE_FROM_FD)


def restrict_mount(place: int | str, attributes: int) -> None:
    """Set ``attributes`` on a mount, open or by path, and on those below it."""
    given = (ctypes.c_uint64 * 4)(attributes, 0, 0, 0)
    if isinstance(place, int):
        where, path, flags = place, b"", _AT_EMPTY_PATH | _AT_RECURSIVE
    else:
        where, path, flags = _AT_FDCWD, os.fsencode(place), _AT_RECURSIVE
    size = ctypes.sizeof(given)
    call(f"mount_setattr {place}", _MOUNT_SETATTR, where, path, flags, ctypes.byref(given), size)


def prctl(option: int, value: int = 0, further: int = 0) -> None:
    """Change a property of this process."""
    wide = [ctypes.c_ulong(item) for item in (value, further, 0, 0)]
    _checked(_libc.prctl(option, *wide), f"prctl {option}")


def die_with_parent(signal: int) -> None:
    """Get ``signal`` when the parent ends."""
    prctl(_PR_SET_PDEATHSIG, signal)


def adopt_orphans() -> None:
    """Become the parent of all descendants whose own parents end."""
    prctl(_PR_SET_CHILD_SUBREAPER, 1)


def hide_from_same_user() -> None:
    """Let no process of the same user trace this one or look into its files."""
    prctl(_PR_SET_DUMPABLE, 0)


def gain_no_privileges() -> None:
    """Let no program that is run gain privileges by its file."""
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def drop_capabilities() -> None:
    """Give up all capabilities, for this process and what it runs."""
    for capability in range(64):
        try:
            prctl(_PR_CAPBSET_DROP, capability)
        except OSError:
            break  # past the last one, or none is held
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    none = (ctypes.c_uint32 * 6)()
    _checked(_libc.capset(ctypes.byref(header), ctypes.byref(none)), "capset")
