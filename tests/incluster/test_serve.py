"""The agent container's first process, as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "source"


@pytest.fixture
def server(workspace: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "dspy_agent.incluster.serve"],
        env=os.environ | {"DSPY_AGENT_WORKSPACE": str(workspace), "DSPY_AGENT_PROBE_PORT": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    port = process.stderr.readline().split()[-1]
    yield process, f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()
    process.stderr.close()


def status(url: str) -> int:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def test_alive_at_once_and_ready_with_a_workspace(
    server: tuple[subprocess.Popen[str], str], workspace: Path
) -> None:
    _, url = server
    assert status(url + "/healthz") == 200
    assert status(url + "/readyz") == 503
    workspace.mkdir()
    assert status(url + "/readyz") == 200
    assert status(url + "/other") == 404


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(server: tuple[subprocess.Popen[str], str], number: int) -> None:
    process, _ = server
    process.send_signal(number)
    assert process.wait(10) == 0


def test_orphans_are_reaped(tmp_path: Path) -> None:
    if subprocess.run(["unshare", "-p", "-f", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a process namespace")
    script = "(sh -c 'sleep 0.05 &') ; exec \"$0\" -m dspy_agent.incluster.serve"
    process = subprocess.Popen(
        ["unshare", "-p", "-f", "--kill-child", "--mount-proc", "sh", "-c", script, sys.executable],
        env=os.environ | {"DSPY_AGENT_WORKSPACE": str(tmp_path), "DSPY_AGENT_PROBE_PORT": "0"},
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr
    try:
        process.stderr.readline()
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        first = children[0]
        deadline = time.monotonic() + 10
        while Path(f"/proc/{first}/task/{first}/children").read_text():
            assert time.monotonic() < deadline, "the orphan is still there"
            time.sleep(0.02)
        os.kill(int(first), signal.SIGTERM)
        process.wait(10)
    finally:
        process.kill()
        process.wait()
        process.stderr.close()
