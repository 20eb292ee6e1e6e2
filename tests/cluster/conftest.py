"""An API server with one ready workspace, and ways to run ``dspy-agent`` against it as a real process."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api_server import ApiServer

PROGRAM = str(Path(sys.executable).with_name("dspy-agent"))
DEADLINE = 20.0


def workspace(
    name: str = "demo",
    namespace: str = "team",
    *,
    mode: str = "Running",
    ready: bool = True,
    reason: str = "Ready",
    message: str = "",
    suspended: str = "",
) -> dict[str, Any]:
    conditions = [
        {
            "type": "AgentReady",
            "status": str(ready),
            "reason": reason,
            "message": message,
            "observedGeneration": 1,
        }
    ]
    if suspended:
        conditions.append(
            {
                "type": "Suspended",
                "status": "True",
                "reason": suspended,
                "message": "",
                "observedGeneration": 1,
            }
        )
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "generation": 1,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"operatingMode": mode},
        "status": {"agent": {"podName": f"{name}-agent-0"} if ready else {}, "conditions": conditions},
    }


def pod(name: str = "demo-agent-0", owner: str = "demo") -> dict[str, Any]:
    return {
        "metadata": {"name": name, "labels": {"dspy.dev/workspace": owner, "dspy.dev/component": "agent"}},
        "status": {"containerStatuses": [{"name": "agent", "state": {"running": {}}}]},
    }


def make_ready(server: ApiServer, name: str = "demo") -> None:
    """Let the workspace be as the operator leaves it: the agent up for the present generation."""
    found = server.workspaces["team", name]
    server.pods["team", f"{name}-agent-0"] = pod(f"{name}-agent-0", name)
    found["status"] = workspace(name)["status"]
    for condition in found["status"]["conditions"]:
        condition["observedGeneration"] = found["metadata"]["generation"]


@pytest.fixture
def server() -> Iterator[ApiServer]:
    server = ApiServer()
    server.workspaces["team", "demo"] = workspace()
    server.pods["team", "demo-agent-0"] = pod()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def kubeconfig(server: ApiServer, tmp_path: Path) -> Path:
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(kubeconfig_of(server.url)))
    return path


def kubeconfig_of(url: str, **user: Any) -> dict[str, Any]:
    return {
        "current-context": "main",
        "contexts": [{"name": "main", "context": {"cluster": "c", "user": "u", "namespace": "team"}}],
        "clusters": [{"name": "c", "cluster": {"server": url}}],
        "users": [{"name": "u", "user": user or {"token": "secret"}}],
    }


class Cli:
    """Runs ``dspy-agent`` with the test's kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        home = kubeconfig.parent
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "KUBECONFIG": str(kubeconfig),
            "TERM": "xterm",
        }

    def run(self, *words: str, input: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
        given: dict[str, Any] = {"stdin": subprocess.DEVNULL} if input is None else {"input": input}
        return subprocess.run(
            [PROGRAM, *words], capture_output=True, timeout=60, env={**self.env, **env}, check=False, **given
        )

    def popen(self, *words: str, **streams: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([PROGRAM, *words], env=self.env, **streams)


@pytest.fixture
def cli(kubeconfig: Path) -> Cli:
    return Cli(kubeconfig)


class Terminal:
    """A process with a real pseudo-terminal as its controlling terminal."""

    def __init__(self, cli: Cli, *words: str, columns: int = 80, rows: int = 24) -> None:
        self.master, self.slave = os.openpty()
        termios.tcsetwinsize(self.slave, (rows, columns))
        self.before = termios.tcgetattr(self.slave)
        slave = self.slave
        self.process = subprocess.Popen(
            [PROGRAM, *words], env=cli.env, preexec_fn=lambda: os.login_tty(slave), pass_fds=(slave,)
        )
        self.seen = b""
        self._from = 0

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def resize(self, columns: int, rows: int) -> None:
        termios.tcsetwinsize(self.master, (rows, columns))

    def expect(self, pattern: bytes) -> re.Match[bytes]:
        """Read until ``pattern`` appears after what was expected before."""
        deadline = time.monotonic() + DEADLINE
        while True:
            if found := re.search(pattern, self.seen[self._from :]):
                self._from += found.end()
                return found
            left = deadline - time.monotonic()
            assert left > 0, f"{pattern!r} did not come; seen: {self.seen[self._from :]!r}"
            if select.select([self.master], [], [], min(left, 0.2))[0]:
                self.seen += os.read(self.master, 65536)

    def is_raw(self) -> bool:
        return not termios.tcgetattr(self.slave)[3] & termios.ICANON

    def wait_raw(self) -> None:
        deadline = time.monotonic() + DEADLINE
        while not self.is_raw():
            assert time.monotonic() < deadline, self.seen
            self.drain()
            time.sleep(0.01)

    def drain(self) -> None:
        while select.select([self.master], [], [], 0)[0]:
            self.seen += os.read(self.master, 65536)

    def wait(self) -> int:
        """Return the exit code; the terminal is read meanwhile, as a person's would be."""
        deadline = time.monotonic() + DEADLINE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.seen
            self.drain()
            time.sleep(0.01)
        self.drain()
        return self.process.returncode

    def restored(self) -> bool:
        return termios.tcgetattr(self.slave) == self.before

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminals(cli: Cli) -> Iterator[Any]:
    opened: list[Terminal] = []

    def start(*words: str, **size: int) -> Terminal:
        opened.append(Terminal(cli, *words, **size))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()
