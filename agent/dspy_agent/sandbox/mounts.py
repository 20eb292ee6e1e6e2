"""The files that a command in namespaces of its own sees: all of them, but few to write, none secret."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from typing import Final

from dspy_agent.sandbox import kernel

_DEVICES: Final = ("null", "zero", "full", "random", "urandom", "tty")
_DEVICE_LINKS: Final = {"fd": "", "stdin": "/0", "stdout": "/1", "stderr": "/2"}
_EMPTIED: Final = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108  private ones are put there
_SYSTEM_IN_RUN: Final = ("/run/current-system", "/run/wrappers")  # NixOS
_PROC_SHUT: Final = ("sys", "sysrq-trigger", "irq", "bus", "fs", "scsi")
_PRIVATE: Final = kernel.MS_NOSUID | kernel.MS_NODEV


def build_view(
    writable: Sequence[str], readable: Sequence[str], hidden: Sequence[str], tmp_bytes: int
) -> None:
    """Change what this process, the first of its namespaces, sees.

    Args:
        writable: absolute folders without symlinks.
        readable: such folders, or files, that are seen even where their parents are emptied, and never
            written.
        hidden: absolute files and folders that must look empty.
        tmp_bytes: what the private ``/tmp`` may hold.

    Raises:
        OSError: the kernel does not allow it.
    """
    kernel.mount("none", "/", flags=kernel.MS_REC | kernel.MS_PRIVATE)
    kept = [path for path in (*readable, *_SYSTEM_IN_RUN) if os.path.exists(path)]
    shown = sorted({*kept, *writable})
    copies = {path: kernel.clone_mount(path) for path in shown}
    devices = {
        name: kernel.clone_mount(f"/dev/{name}") for name in _DEVICES if os.path.exists(f"/dev/{name}")
    }
    kernel.restrict_mount("/", kernel.ATTR_RDONLY | kernel.ATTR_NOSUID | kernel.ATTR_NODEV)
    for path, copy in copies.items():
        shut = kernel.ATTR_NOSUID | kernel.ATTR_NODEV
        kernel.restrict_mount(copy, shut if path in writable else shut | kernel.ATTR_RDONLY)
    _hide(hidden)
    for path in dict.fromkeys(map(os.path.realpath, _EMPTIED)):
        if os.path.isdir(path) and not path.startswith("/dev"):
            kernel.mount("tmpfs", path, "tmpfs", _PRIVATE, f"mode=1777,size={tmp_bytes}")
    _make_devices(devices)
    _mount_proc()
    for path, copy in copies.items():  # parents before what lies in them
        if not os.path.exists(path):
            os.makedirs(path)
        kernel.attach_mount(copy, path)
        os.close(copy)
    _hide(path for path in hidden if path.startswith(tuple(f"{folder}/" for folder in shown)))


def _hide(paths: Iterable[str]) -> None:
    for path in paths:
        if os.path.isdir(path):
            kernel.mount("tmpfs", path, "tmpfs", _PRIVATE, "mode=755,size=4k")
            kernel.restrict_mount(path, kernel.ATTR_RDONLY)
        elif os.path.lexists(path):
            copy = kernel.clone_mount("/dev/null")
            kernel.attach_mount(copy, path)
            os.close(copy)


def _make_devices(devices: dict[str, int]) -> None:
    kernel.mount("tmpfs", "/dev", "tmpfs", kernel.MS_NOSUID, "mode=755,size=64m")
    for name, copy in devices.items():
        os.close(os.open(f"/dev/{name}", os.O_WRONLY | os.O_CREAT, 0o666))
        kernel.attach_mount(copy, f"/dev/{name}")
        os.close(copy)
    for name, target in _DEVICE_LINKS.items():
        os.symlink(f"/proc/self/fd{target}", f"/dev/{name}")
    os.mkdir("/dev/shm")  # noqa: S108
    os.chmod("/dev/shm", 0o1777)  # noqa: S103, S108
    os.mkdir("/dev/pts")
    kernel.mount(
        "devpts", "/dev/pts", "devpts", kernel.MS_NOSUID | kernel.MS_NOEXEC, "newinstance,ptmxmode=0666"
    )
    os.symlink("pts/ptmx", "/dev/ptmx")


def _mount_proc() -> None:
    kernel.mount("proc", "/proc", "proc", _PRIVATE | kernel.MS_NOEXEC)
    for name in _PROC_SHUT:
        if os.path.exists(f"/proc/{name}"):
            copy = kernel.clone_mount(f"/proc/{name}")
            kernel.restrict_mount(copy, kernel.ATTR_RDONLY)
            kernel.attach_mount(copy, f"/proc/{name}")
            os.close(copy)
