"""The local terminal while a remote one is shown in it: raw, resized, and always given back."""

from __future__ import annotations

import os
import signal
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

# What a full-screen program may have switched on and can't switch off once the connection is gone:
# bracketed paste, application cursor keys, mouse reports, a hidden cursor, colours.
_RESET_MODES = b"\x1b[?2004l\x1b[?1l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?25h\x1b[0m"
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Stopped(BaseException):
    """A signal asks the program to end; everything is given back on the way up."""

    def __init__(self, signum: int) -> None:
        super().__init__(signum)
        self.exit_code = 128 + signum


@contextmanager
def ending_signals() -> Iterator[None]:
    """Turn SIGINT, SIGTERM and SIGHUP into one ``Stopped``; further ones are ignored while it unwinds."""

    def stop(signum: int, frame: FrameType | None) -> None:
        for other in _ENDING:
            signal.signal(other, signal.SIG_IGN)
        raise Stopped(signum)

    before: dict[signal.Signals, Any] = {}
    for signum in _ENDING:
        if signal.getsignal(signum) != signal.SIG_IGN:  # nohup and background jobs keep what they have
            before[signum] = signal.signal(signum, stop)
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


@contextmanager
def raw_terminal(fd: int) -> Iterator[int]:
    """Make the terminal ``fd`` raw and give a descriptor that wakes a poll when its size changes."""
    saved = termios.tcgetattr(fd)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)

    def resized(signum: int, frame: FrameType | None) -> None:
        with suppress(BlockingIOError):
            os.write(writing, b"\0")

    def continued(signum: int, frame: FrameType | None) -> None:
        tty.setraw(fd, termios.TCSADRAIN)
        resized(signum, frame)

    before = {signal.SIGWINCH: resized, signal.SIGCONT: continued}
    previous = {signum: signal.signal(signum, handler) for signum, handler in before.items()}
    try:
        tty.setraw(fd, termios.TCSADRAIN)  # DRAIN: keep what was typed ahead
        yield reading
    finally:
        for signum, handler in previous.items():
            signal.signal(signum, handler)
        with suppress(termios.error, OSError):  # a terminal that hung up
            termios.tcsetattr(fd, termios.TCSADRAIN, saved)
        os.close(reading)
        os.close(writing)


def reset_modes(fd: int) -> None:
    """Undo on the terminal ``fd`` what a program that was cut off had switched on."""
    with suppress(OSError):
        os.write(fd, _RESET_MODES)


def tell(text: str) -> None:
    """Write a line for the user to stderr; the next starts at the left edge even in a raw terminal."""
    with suppress(OSError, ValueError):
        sys.stderr.write(text + ("\r\n" if _is_raw(2) else "\n"))
        sys.stderr.flush()


def _is_raw(fd: int) -> bool:
    try:
        return not termios.tcgetattr(fd)[1] & termios.OPOST
    except termios.error:
        return False
