"""A line that is written anew in its place: on a real terminal, which is narrow."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios

_PROGRAM = """
from contextlib import suppress
from dspy_agent.tools.stages import stages, token_counter
from dspy_agent.tools.terminal_line import counting
with suppress(KeyError), stages() as tell:
    tell("writing " + "x" * 100)
    tell("a\\x1b[2Jb")
    count = token_counter(tell, "stage")
    for _ in range(20):
        count("x")
    raise KeyError
if files := counting("{:,} of {:,} files", least=5):
    files(1, 4)
    files(1000, 2000)
    files(2000, 2000)
"""


def _told(*, terminal: bool) -> str:
    if not terminal:
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM], stderr=subprocess.PIPE, text=True, check=True
        ).stderr
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 40, 0, 0))
    subprocess.run([sys.executable, "-c", _PROGRAM], stderr=theirs, check=True)
    os.close(theirs)
    told = os.read(ours, 65536).decode()
    os.close(ours)
    return told


def test_a_line_is_never_wider_than_the_terminal_and_is_taken_away() -> None:
    told = _told(terminal=True)
    lines = told.split("\r\x1b[K")
    assert max(map(len, lines)) == 39
    assert [line for line in lines if line][1:] == [
        "a\\x1b[2Jb",
        "stage: 10 tokens",
        "stage: 20 tokens",
        "1,000 of 2,000 files",
    ]
    assert told.count("\r\x1b[K\r\x1b[K") == 1
    assert told.endswith("\r\x1b[K")


def test_elsewhere_each_stage_is_a_line_and_nothing_is_counted() -> None:
    assert _told(terminal=False).splitlines()[1:] == ["a\\x1b[2Jb"]
