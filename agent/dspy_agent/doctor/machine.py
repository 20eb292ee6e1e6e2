"""Checks of this machine: Python, programs, terminal, workspace, logs."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from dspy_agent.doctor.model import MISSING, OK, WARN, Check
from dspy_agent.logs.find import LOGS_VARIABLE, find_logs
from dspy_agent.tools.amounts import count
from dspy_agent_core.errors import AgentError

_LOW_DISK: Final = 256 << 20


def python() -> list[Check]:
    """Name the Python that runs this; without a fit one nothing gets this far."""
    return [Check("python", OK, f"{platform.python_version()} at {sys.executable}")]


def programs() -> list[Check]:
    """Check for the programs that are used where they are installed."""
    return [
        _program("git", "history is not used without it"),
        _program("rg", "searching works without it, but slower", package="ripgrep"),
    ]


def _program(name: str, without: str, package: str | None = None) -> Check:
    path = shutil.which(name)
    package = package or name
    if path is None:
        return Check(name, WARN, f"not installed: {without}", _install(package))
    try:
        done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=2, check=True)
    except (OSError, subprocess.SubprocessError):
        return Check(name, WARN, f"{path} does not run: {without}", _install(package))
    return Check(name, OK, (done.stdout.splitlines() or [path])[0].strip())


def _install(package: str) -> str:
    for manager, command in (
        ("brew", "brew install"),
        ("apt-get", "sudo apt-get install"),
        ("dnf", "sudo dnf install"),
        ("pacman", "sudo pacman -S"),
        ("apk", "apk add"),
    ):
        if shutil.which(manager):
            return f"{command} {package}"
    return f"Install {package} with this machine's package manager."


def terminal() -> list[Check]:
    """Check whether a session can use the terminal."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return [Check("terminal", OK, "none: a session reads plain lines from standard input")]
    name = os.environ.get("TERM", "")
    size = shutil.get_terminal_size()
    if name in ("", "dumb"):
        return [
            Check(
                "terminal",
                WARN,
                f"TERM is {name or 'not set'}: no line editing",
                "export TERM=xterm-256color",
            )
        ]
    colour = "no colour (NO_COLOR)" if os.environ.get("NO_COLOR") else "colour"
    return [Check("terminal", OK, f"{name}, {size.columns}×{size.lines}, {colour}")]


def workspace(folder: Path) -> list[Check]:
    """Check that the workspace can be read and written."""
    if not os.access(folder, os.R_OK | os.X_OK):
        return [Check("workspace", MISSING, f"{folder} can't be read", f"chmod u+rx '{folder}'")]
    if not os.access(folder, os.W_OK):
        return [
            Check("workspace", WARN, f"{folder} is read-only: reading works, keeping an index does not",
                  f"chmod u+w '{folder}'")
        ]  # fmt: skip
    free = shutil.disk_usage(folder).free
    if free < _LOW_DISK:
        return [Check("workspace", WARN, f"{folder}: only {free >> 20} MiB free", f"df -h '{folder}'")]
    return [Check("workspace", OK, f"{folder} is writable, {free >> 30} GiB free")]


def logs(folder: Path, named: tuple[Path, ...]) -> list[Check]:
    """Check that there are logs to read."""
    try:
        found = find_logs(folder, named)
    except AgentError as error:
        return [Check("logs", WARN, error.message, error.next)]
    if found.files:
        total = len(found.files) + found.left_out
        return [Check("logs", OK, f"{count(total, 'file')}, newest {found.files[0].name}")]
    return [
        Check(
            "logs",
            WARN,
            f"none in {', '.join(found.looked_in)}",
            f"ctx --logs PATH, or export {LOGS_VARIABLE}=PATH",
        )
    ]
