"""A person at a terminal: a program on a pseudo-terminal, what it shows, and keys typed to it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Self


class Terminal:
    """Runs a program with a terminal of its own as its controlling terminal."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str], rows: int = 30, columns: int = 100
    ) -> None:
        self._master, slave = pty.openpty()
        self.resize(rows, columns)
        self._process = subprocess.Popen(
            words,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm-256color", **env},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.shown = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        os.close(self._master)

    def resize(self, rows: int, columns: int) -> None:
        """Give the terminal another size."""
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text: str) -> None:
        """Type keys."""
        os.write(self._master, text.encode())

    def expect(self, text: str, seconds: float = 60) -> str:
        """Read until ``text`` shows; return and forget what was shown up to it. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        while text not in self.shown:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} is not shown; shown is: {self.shown[-2000:]!r}")
        before, _, self.shown = self.shown.partition(text)
        return before + text

    def wait(self, seconds: float = 60) -> int:
        """Read until the program ends, and return its exit code. Raises AssertionError."""
        deadline = time.monotonic() + seconds
        while self._read(deadline):
            pass
        try:
            return self._process.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"the program goes on; shown is: {self.shown[-2000:]!r}") from None

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # Linux answers EIO once the program has closed the terminal.
            return False
        if b"\x1b[6n" in data:  # where is the cursor? As terminals do, we answer.
            os.write(self._master, b"\x1b[1;1R")
        self.shown += data.decode(errors="replace")
        return bool(data)
