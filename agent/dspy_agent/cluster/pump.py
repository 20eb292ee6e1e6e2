"""Moves bytes between this process's descriptors and a remote command, with bounded memory.

One thread and one ``poll``: nothing is read from a side while the other can't take more, so neither 10 MiB
of input nor a paused pager makes memory grow, and neither direction can starve the other.
"""

from __future__ import annotations

import contextlib
import os
import select
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from dspy_agent.cluster import channels
from dspy_agent.cluster.channels import Exited, NotRun
from dspy_agent.cluster.input import Input
from dspy_agent.cluster.wire import Disconnected, Wire

_HIGH_WATER: Final = 256 * 1024  # bytes held for a side that is slow
_WRITE: Final = select.PIPE_BUF  # a pipe that polls writable takes this much without blocking
PING_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0  # after the command's status, for a server that does not close
SILENCE_SECONDS: Final = 35.0  # three pings without any answer: the other side is gone


@dataclass(frozen=True, slots=True)
class Lost:
    """The connection ended before the command did."""

    why: str


@dataclass(frozen=True, slots=True)
class ReaderGone:
    """Whoever read our output closed it, as ``head`` does."""


class Pump:
    """One remote command's streams. ``stdin`` is None if the command gets no input.

    Args:
        wake: a descriptor that becomes readable when the size of the terminal changes.
        warn: tells the user of what can't be done.
    """

    def __init__(
        self,
        wire: Wire,
        *,
        stdin: Input | None,
        stdout: int,
        stderr: int,
        wake: int | None,
        warn: Callable[[str], None],
    ) -> None:
        self._wire = wire
        self._stdin = stdin
        self._descriptors = {channels.STDOUT: stdout, channels.STDERR: stderr}
        self._waiting: dict[int, deque[bytes]] = {channels.STDOUT: deque(), channels.STDERR: deque()}
        self._waiting_bytes = 0
        self._wake = wake
        self._warn = warn
        self._status = b""
        self._ended: Exited | NotRun | Lost | None = None
        self._next_check = time.monotonic() + PING_SECONDS

    def run(self) -> Exited | NotRun | Lost | ReaderGone:
        """Carry bytes until the command ends, the connection breaks or our reader leaves."""
        if self._wake is not None:
            self._send_size()
        try:
            while self._ended is None or self._waiting_bytes:
                self._step()
        except BrokenPipeError:
            return ReaderGone()
        return self._ended

    def _step(self) -> None:
        poll = select.poll()
        wire_open = self._ended is None
        reading = wire_open and self._waiting_bytes < _HIGH_WATER
        wire_events = (select.POLLIN if reading else 0) | (select.POLLOUT if self._wire.outgoing_bytes else 0)
        if wire_open and wire_events:  # with none, a hang-up would still be reported, again and again
            poll.register(self._wire, wire_events)
        repeating = False
        if wire_open and self._stdin is not None and self._wire.outgoing_bytes < _HIGH_WATER:
            poll.register(self._stdin.fd, select.POLLIN)
            repeating = self._stdin.has_buffered()
        if self._wake is not None:
            poll.register(self._wake, select.POLLIN)
        for channel, waiting in self._waiting.items():
            if waiting:
                poll.register(self._descriptors[channel], select.POLLOUT)
        buffered = repeating or (reading and self._wire.has_buffered())
        wait = 0.0 if buffered else self._next_check - time.monotonic()
        ready = {fd for fd, _ in poll.poll(max(wait, 0.0) * 1000)}
        if wire_open:
            self._keep_alive(reading)
            self._talk(reading)
        if self._stdin is not None and (self._stdin.fd in ready or repeating) and self._ended is None:
            self._read_stdin(self._stdin)
        if self._wake is not None and self._wake in ready:
            os.read(self._wake, 4096)
            self._send_size()
        for channel, fd in self._descriptors.items():
            if fd in ready and self._waiting[channel]:
                self._write(channel, fd)

    def _talk(self, reading: bool) -> None:
        try:
            while reading and self._ended is None and self._waiting_bytes < _HIGH_WATER:
                message = self._wire.receive()
                if message is None:
                    break
                self._take(message)
            self._wire.flush()
        except Disconnected as gone:
            self._ended = channels.parse_status(self._status) if self._status else Lost(str(gone))

    def _take(self, message: bytes) -> None:
        channel, data = message[:1], message[1:]
        if not channel:
            return
        if channel[0] in self._waiting and data:
            self._waiting[channel[0]].append(data)
            self._waiting_bytes += len(data)
        elif channel[0] == channels.ERROR and data:
            self._status += data
            self._next_check = time.monotonic() + CLOSE_SECONDS
        elif channel[0] == channels.CLOSE and data[:1] == bytes((channels.STDIN,)):
            self._stdin = None

    def _read_stdin(self, source: Input) -> None:
        data = source.read()
        if data:
            self._wire.send(channels.stdin(data))
        else:
            self._stdin = None
            if self._wire.subprotocol == channels.V5:
                self._wire.send(channels.end_of_stdin())
            else:
                self._warn(
                    "warning: this cluster can't pass on the end of input (Kubernetes 1.30 can); Ctrl-C ends"
                )

    def _write(self, channel: int, fd: int) -> None:
        waiting = self._waiting[channel]
        written = os.write(fd, waiting[0][:_WRITE])
        self._waiting_bytes -= written
        rest = waiting[0][written:]
        if rest:
            waiting[0] = rest
        else:
            waiting.popleft()

    def _send_size(self) -> None:
        with contextlib.suppress(OSError):  # a terminal that hung up has no size
            size = os.get_terminal_size(self._descriptors[channels.STDOUT])
            self._wire.send(channels.resize(size.columns, size.lines))

    def _keep_alive(self, reading: bool) -> None:
        now = time.monotonic()
        if not reading:
            self._wire.last_heard = now  # we are the slow side
        if now >= self._next_check:
            if self._status:
                self._ended = channels.parse_status(self._status)
            self._wire.ping()
            self._next_check = now + PING_SECONDS
        if now - self._wire.last_heard > SILENCE_SECONDS:
            self._ended = Lost(f"no answer for {SILENCE_SECONDS:.0f} seconds")
