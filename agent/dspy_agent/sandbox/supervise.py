"""Runs one program with a time limit, and keeps the beginning and the end of what it prints."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

_READ: Final = 1 << 16
_GRACE_SECONDS: Final = 30.0  # what forks as fast as it is ended takes a while


@dataclass(slots=True)
class Output:
    """What was printed: at most ``limit`` bytes, half of them the first, half the last ones."""

    limit: int
    total: int = 0
    _head: bytearray = field(default_factory=bytearray)
    _tail: bytearray = field(default_factory=bytearray)

    def add(self, data: bytes) -> None:
        """Take up ``data``."""
        self.total += len(data)
        room = self.limit // 2 - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        keep = self.limit - self.limit // 2
        if len(self._tail) > 4 * keep + _READ:
            del self._tail[:-keep]

    @property
    def cut(self) -> bool:
        """Whether something was left out."""
        return self.total > self.limit

    def text(self) -> str:
        """Return what was kept, and in between how much was not."""
        keep = self.limit - self.limit // 2
        tail = self._tail[-keep:] if keep else b""
        left_out = self.total - len(self._head) - len(tail)
        between = f"\n… [{left_out} bytes left out] …\n" if left_out else ""
        return self._head.decode("utf-8", "replace") + between + tail.decode("utf-8", "replace")


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the program ended. ``report``: what it wrote to the descriptor it was given; None if nothing."""

    output: Output
    report: dict[str, Any] | None
    returncode: int
    timed_out: bool
    seconds: float


def supervise(
    command: Callable[[int, int], Sequence[str]], environ: Mapping[str, str], seconds: float, max_output: int
) -> Outcome:
    """Run a program until it ends, at most ``seconds``.

    Args:
        command: returns its command line for two descriptors: one to write the report to, and one that is at
            its end as soon as this process is gone. It ends with all its children on SIGTERM.
        environ: its environment.
        seconds: after them it is ended.
        max_output: in bytes; the middle of more is left out.

    Raises:
        OSError: it can't be started.
    """
    started = time.monotonic()
    output, told = Output(max_output), bytearray()
    with ExitStack() as stack:
        reading, writing = os.pipe()
        stack.callback(os.close, reading)
        alive, ours = os.pipe()
        stack.callback(os.close, ours)
        try:
            process = subprocess.Popen(
                command(writing, alive),
                cwd="/",
                env=environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                pass_fds=(writing, alive),
                start_new_session=True,
            )
        finally:
            os.close(writing)
            os.close(alive)
        stack.callback(_end, process)
        timed_out = not _read(process, reading, output, told, started + seconds)
    return Outcome(output, _parse(told), process.returncode, timed_out, time.monotonic() - started)


def _read(
    process: subprocess.Popen[bytes], reading: int, output: Output, told: bytearray, deadline: float
) -> bool:
    """Take up what comes until both pipes end; False if the deadline came first."""
    if process.stdout is None:
        raise ValueError("the program's output must be a pipe")
    printed = process.stdout.fileno()
    with selectors.DefaultSelector() as selector:
        selector.register(printed, selectors.EVENT_READ)
        selector.register(reading, selectors.EVENT_READ)
        while selector.get_map():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            for key, _ in selector.select(left):
                data = os.read(key.fd, _READ)
                if not data:
                    selector.unregister(key.fd)
                elif key.fd == printed:
                    output.add(data)
                elif len(told) < _READ:
                    told += data
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program, if it still runs, and all that it started."""
    if process.stdout is not None:
        process.stdout.close()
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_GRACE_SECONDS)
    process.wait()


def _parse(told: bytes | bytearray) -> dict[str, Any] | None:
    try:
        found = json.loads(told)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
