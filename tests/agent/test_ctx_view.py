"""What ``ctx`` shows people: on a terminal of 80 columns, with links, and never what drives a terminal."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import termios
from pathlib import Path

import pytest

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.results import LogEvent
from tests.agent.session_kit import PROGRAM, environment
from tests.agent.test_ctx_router import boom, context, router

_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]|\x1b\]8;[^\x1b]*\x1b\\")


def on_terminal(cwd: Path, *words: str, columns: int = 80, **extra: str) -> str:
    """Return all that ``ctx`` writes to a terminal."""
    parent, child = pty.openpty()
    termios.tcsetwinsize(child, (40, columns))
    process = subprocess.Popen(
        [*PROGRAM, "ctx", *words],
        cwd=cwd,
        env={**environment(cwd / ".state", **extra), "TERM": "xterm-256color"},
        stdin=subprocess.DEVNULL,
        stdout=child,
        stderr=subprocess.DEVNULL,
    )
    os.close(child)
    said = b""
    try:
        while piece := os.read(parent, 65536):
            said += piece
    except OSError:  # the other end is closed
        pass
    os.close(parent)
    process.wait(30)
    return said.decode()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "src" / "a b").mkdir(parents=True)
    (tmp_path / "src" / "a b" / "pay.py").write_text("pass\n")
    (tmp_path / "logs").mkdir()
    return tmp_path


def trace(message: str, path: str = "/app/src/a b/pay.py") -> str:
    return f'Traceback (most recent call last):\n  File "{path}", line 3, in work\nValueError: {message}\n'


def test_places_are_links_on_a_terminal_and_plain_elsewhere(project: Path) -> None:
    (project / "logs" / "a.log").write_text(trace("no money"))
    said = on_terminal(project)
    (target,) = re.findall(r"\x1b\]8;[^;]*;(file://[^\x1b]+)\x1b\\", said)
    assert target.endswith(f"{project}/src/a%20b/pay.py#3".replace(" ", "%20"))
    assert "src/a b/pay.py:3" in _ESCAPES.sub("", said)
    done = subprocess.run(
        [*PROGRAM, "ctx"], cwd=project, env=environment(project / ".state"), capture_output=True, timeout=60
    )
    assert done.stdout.splitlines()[0] == (
        b"ERROR       1\xc3\x97  ValueError: no money   at src/a b/pay.py:3 in work"
    )


def test_lines_fit_into_80_columns(project: Path) -> None:
    (project / "logs" / "a.log").write_text(trace("there is no money left " * 20) + "ERROR " + "漢字" * 200)
    lines = _ESCAPES.sub("", on_terminal(project)).splitlines()
    widths = [sum(2 if ord(char) > 0x2E80 else 1 for char in line.rstrip()) for line in lines]
    assert max(widths) <= 80
    assert sum("…" in line for line in lines) == 2
    assert any(line.strip() == "at src/a b/pay.py:3 in work" for line in lines)
    assert all(line.startswith((" " * 16, "ERROR")) for line in lines)


@pytest.mark.parametrize("columns", [1, 10, 20])
def test_a_narrow_terminal_is_no_error(project: Path, columns: int) -> None:
    (project / "logs" / "a.log").write_text(trace("no money at all"))
    assert "money" in _ESCAPES.sub("", on_terminal(project, columns=columns))


def test_logs_do_not_drive_the_terminal(project: Path) -> None:
    evil = "\x1b]0;owned\x07 \x1b[2J \x9b31m \u202e \x08\x08 \r gone"
    (project / "logs" / "a.log").write_text(
        trace(evil, path=f"/app/{evil}.py") + f"ERROR plain {evil}\n", encoding="utf-8"
    )
    left = _ESCAPES.sub("", on_terminal(project, columns=1000)).replace("\r\n", "\n")
    assert "owned" not in left or "\\x" in left
    assert not set(left) & {"\x1b", "\x07", "\x9b", "\u202e", "\x08", "\r"}


def test_what_is_new_and_what_it_was_before(project: Path) -> None:
    more: tuple[Context, ...] = (
        context("web", 0, boom(0, 12, before=3)),
        context("job", 10, LogEvent("warning", "careful", 1, signature="1:x", before=0)),
        context("job", 20, LogEvent("warning", "again", 1, signature="1:y")),
    )
    with router(*more) as url:
        said = _ESCAPES.sub("", on_terminal(project, columns=200, DSPY_AGENT_ROUTER=url)).splitlines()
    assert said == [
        "WARNING     1×  [job] again",
        "WARNING     1×  (new) [job] careful",
        "ERROR      12×  (was 3) [web] ValueError: boom 0   at src/a b/pay.py:3 in work",
        "                caused by KeyError: 'x' at src/a b/pay.py:9 in find",
        "                2026-01-01T00:00:00Z … 00:00:00.400Z",
    ]
