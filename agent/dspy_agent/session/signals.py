"""Ends a session cleanly on SIGTERM and SIGHUP, wherever it is, and puts the terminal back as it was."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any, Final

_SIGNALS: Final = ("SIGTERM", "SIGHUP")
# Cursor visible, no bracketed paste, no alternate screen's mouse reports, plain text.
_RESET: Final = b"\x1b[?25h\x1b[?2004l\x1b[?1000l\x1b[0m"


class Ended(SystemExit):
    """A signal ends the session; ``code`` is 128 plus its number, as shells have it."""


@contextlib.contextmanager
def ends_on_signals(tell_prompt: Callable[[Ended], bool]) -> Iterator[None]:
    """Raise ``Ended`` on SIGTERM and SIGHUP. ``tell_prompt`` may take it instead (and returns True).

    A signal that comes just before a blocking read, or whose exception is swallowed by a finalizer, would
    be lost: it is raised again every second until the block has ended.
    """
    ended = Ended(0)

    def handle(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            ended.code = 128 + number
        signal.alarm(1)
        if not tell_prompt(ended):
            raise ended

    before = {
        number: signal.signal(number, handle)
        for name in (*_SIGNALS, "SIGALRM")
        if (number := getattr(signal, name, None)) is not None
    }
    try:
        yield
    finally:
        signal.alarm(0)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def terminal_restored() -> Iterator[None]:
    """Put the terminal of standard input back into the mode that it has now, however the block ends."""
    try:
        import termios

        descriptor = sys.stdin.fileno()
        saved: list[Any] = termios.tcgetattr(descriptor)
    except (ImportError, OSError, ValueError):
        yield
        return
    except termios.error:
        yield
        return
    try:
        yield
    finally:
        with contextlib.suppress(OSError, termios.error, ValueError):
            if termios.tcgetattr(descriptor) != saved:
                os.write(sys.stdout.fileno(), _RESET)
                termios.tcsetattr(descriptor, termios.TCSADRAIN, saved)
