"""What the tests of checkpoints share: workspaces, and processes that end at a chosen write."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

Files = dict[str, tuple[bytes, int]]

# All calls by which the store and the workspace change on disk.
WRITES = ("fsync", "replace", "unlink", "mkdir", "rmdir", "open")


@contextmanager
def memory_folder() -> Iterator[Path]:
    """Give a folder where an fsync costs nothing, where the machine has one."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


def files_of(root: Path) -> Files:
    """Return all files but the store's: their bytes and permissions."""
    return {
        path.relative_to(root).as_posix(): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".dspy_checkpoints" not in path.parts
    }


def folders_of(root: Path) -> set[str]:
    """Return all folders but the store's."""
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_dir())
    return {path for path in found if not path.startswith(".dspy_checkpoints")}


def kill_at(number: int) -> None:
    """End this process before its ``number``-th write, at an fsync with half of the file on disk.

    That covers all: after a write and before the next one is the same.
    """
    seen = 0

    def hooked(name: str) -> None:
        real = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal seen
            if name == "open" and not (len(arguments) > 1 and arguments[1] & os.O_CREAT):
                return real(*arguments, **options)
            seen += 1
            if seen == number and name == "fsync":
                with suppress(OSError):  # a folder
                    os.ftruncate(arguments[0], os.fstat(arguments[0]).st_size // 2)
            if seen == number:
                os._exit(9)
            return real(*arguments, **options)

        setattr(os, name, call)

    for name in WRITES:
        hooked(name)


def in_child(number: int, act: Callable[[], object]) -> bool:
    """Run ``act`` in a process that is killed at its ``number``-th write; return whether it got through."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            kill_at(number)
            act()
            code = 0
        finally:
            os._exit(code)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), code
    return code == 0
