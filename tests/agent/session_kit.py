"""A session on a real pseudo-terminal, and a real project to work in."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import termios
import time
from pathlib import Path

import pytest

PROGRAM = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]
SDIST = ("flask", "3.1.0")
DEADLINE = 20.0
_ESCAPE = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]")
_LATER = "OLLAMA_HOST OPENAI_BASE_URL OPENAI_API_KEY KAFKA_BOOTSTRAP USE_OLLAMA OLLAMA_MODEL MODEL_NAME"


def environment(state: Path, **extra: str) -> dict[str, str]:
    """Return an environment without the user's own settings."""
    unwanted = _LATER.split()
    kept = {k: v for k, v in os.environ.items() if not k.startswith("DSPY_AGENT_") and k not in unwanted}
    nobody = "127.0.0.1:9"  # where no model server listens
    return {
        **kept,
        "OLLAMA_HOST": nobody,
        "XDG_STATE_HOME": str(state),
        "TERM": "xterm",
        "PROMPT_TOOLKIT_NO_CPR": "1",
        "DSPY_AGENT_POLICY": "best",  # the others explore, and may suggest anything
        **extra,
    }


def unpacked_sdist(cache: Path, into: Path) -> Path:
    """Download a real project's source archive (once) and unpack it."""
    name, version = SDIST
    archive = cache / f"{name}-{version}.tar.gz"
    if not archive.exists():
        pip = ["pip"] if shutil.which("pip") else ["uvx", "pip"]
        words = [
            "download",
            "--quiet",
            "--no-deps",
            "--no-binary",
            name,
            "--dest",
            str(cache),
            f"{name}=={version}",
        ]
        done = subprocess.run([*pip, *words], capture_output=True, text=True, timeout=100)
        if done.returncode:
            pytest.skip(f"no package index to take {name} from")
    with tarfile.open(archive) as packed:
        packed.extractall(into, filter="data")
    return into / f"{name}-{version}"


class Terminal:
    """A program on a pseudo-terminal; ``said`` is all that it has written."""

    def __init__(self, words: list[str], cwd: Path, env: dict[str, str]) -> None:
        self.parent, child = pty.openpty()
        termios.tcsetwinsize(child, (40, 200))
        self.before = termios.tcgetattr(child)
        self._child = child
        self.process = subprocess.Popen(
            [*PROGRAM, *words],
            cwd=cwd,
            env=env,
            stdin=child,
            stdout=child,
            stderr=child,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
        self.said = ""
        self._seen = 0

    def send(self, text: str) -> None:
        os.write(self.parent, text.encode())

    def expect(self, text: str) -> str:
        """Wait until ``text`` is said after what was expected before; return what came up to it."""
        deadline = time.monotonic() + DEADLINE
        while (at := self.said.find(text, self._seen)) < 0:
            if not self._read(deadline):
                raise AssertionError(f"{text!r} was not said in:\n{self.said[self._seen :]}")
        start, self._seen = self._seen, at + len(text)
        return self.said[start : self._seen]

    def wait_until_a_tool_reads(self) -> None:
        """Wait until the terminal echoes lines again: the prompt has gone, a tool runs."""
        deadline = time.monotonic() + DEADLINE
        while not termios.tcgetattr(self._child)[3] & termios.ECHO:
            assert time.monotonic() < deadline, self.said
            self._read(min(deadline, time.monotonic() + 0.05))

    def wait_until_all_is_read(self) -> None:
        """Wait until the program has taken all that was sent."""
        deadline = time.monotonic() + DEADLINE
        while struct.unpack("i", fcntl.ioctl(self._child, termios.FIONREAD, bytes(4)))[0]:
            assert time.monotonic() < deadline, self.said
            self._read(min(deadline, time.monotonic() + 0.05))

    def ends(self) -> int:
        """Wait for the end; return the exit code."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(min(deadline, time.monotonic() + 0.1))
        if self.process.poll() is None:
            raise AssertionError(f"it did not end:\n{self.said}")
        return self.process.returncode

    def modes(self) -> list[object]:
        return termios.tcgetattr(self._child)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.parent)
        os.close(self._child)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self.parent], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return False
        try:
            self.said = _ESCAPE.sub("", self.said + os.read(self.parent, 65536).decode("utf-8", "replace"))
        except OSError:
            return False
        return True


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
