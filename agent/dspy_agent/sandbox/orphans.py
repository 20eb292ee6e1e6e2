"""Ends all descendants, also those that left their group, session and parent."""

from __future__ import annotations

import contextlib
import os
import signal
from types import FrameType

from dspy_agent.sandbox import kernel


def end_all_when_parent_ends() -> None:
    """Adopt all descendants; on SIGTERM, or as the parent ends, end them all and then this process."""
    kernel.adopt_orphans()
    signal.signal(signal.SIGTERM, _end)
    kernel.die_with_parent(signal.SIGTERM)


def _end(number: int, frame: FrameType | None) -> None:
    end_all()
    os._exit(0)


def end_all() -> None:
    """End all descendants of this process, which must have adopted orphans, and reap them."""
    while True:
        found = _descendants()
        for process in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        try:
            os.waitpid(-1, 0 if found else os.WNOHANG)
        except ChildProcessError:
            return


def _descendants() -> list[int]:
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with (
                contextlib.suppress(OSError, ValueError, IndexError),
                open(f"/proc/{name}/stat", "rb") as file,
            ):
                parents[int(name)] = int(file.read().rpartition(b")")[2].split()[1])
    found, me = [], os.getpid()
    for process in parents:
        above = process
        while above in parents and above != me:
            above = parents[above]
        if above == me and process != me:
            found.append(process)
    return found
