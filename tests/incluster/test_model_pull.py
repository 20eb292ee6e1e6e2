"""The pull program against a server that speaks Ollama's protocol."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from dspy_agent_core.contracts.cluster import PullProgress, listed_model_name

MODEL = "http://models:5000/library/small:1b"
LISTED = "models:5000/library/small:1b"


class FakeOllama(ThreadingHTTPServer):
    """Lists ``models``; a pull streams ``updates`` and then lists ``adds``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.models: list[str] = []
        self.updates: list[dict[str, Any]] = []
        self.adds: str | None = LISTED
        self.pulls: list[dict[str, Any]] = []


class Handler(BaseHTTPRequestHandler):
    server: FakeOllama

    def do_GET(self) -> None:
        self._send(json.dumps({"models": [{"name": name} for name in self.server.models]}))

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.pulls.append(request)
        if self.server.adds:
            self.server.models.append(self.server.adds)
        self._send("".join(json.dumps(update) + "\n" for update in self.server.updates))

    def _send(self, text: str) -> None:
        body = text.encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def ollama() -> Iterator[FakeOllama]:
    server = FakeOllama()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def start(url: str, tmp_path: Path, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "dspy_agent.incluster.model_pull"],
        env=os.environ
        | {"OLLAMA_HOST": url, "DSPY_MODEL": MODEL, "DSPY_MODEL_PULL_PORT": "0"}
        | {"DSPY_TERMINATION_LOG": str(tmp_path / "termination-log")}
        | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def lines_until(process: subprocess.Popen[str], status: str) -> list[PullProgress]:
    assert process.stdout
    found = []
    for line in process.stdout:
        progress = PullProgress.loads(line)
        assert progress, line
        found.append(progress)
        if progress.status == status:
            break
    return found


def end(process: subprocess.Popen[str], *, by_itself: bool = False) -> int:
    if not by_itself:
        process.terminate()
    code = process.wait(10)
    assert process.stdout
    process.stdout.close()
    return code


def url(server: FakeOllama) -> str:
    return f"http://127.0.0.1:{server.server_port}"


def test_a_present_model_is_not_pulled(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.models = [LISTED]
    process = start(url(ollama), tmp_path)
    assert [p.status for p in lines_until(process, "ready")] == ["ready"]
    assert end(process) == 0
    assert ollama.pulls == []


def test_progress_sums_the_layers(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.updates = [
        {"status": "pulling manifest"},
        {"status": "pulling a", "digest": "a", "total": 1000, "completed": 400},
        {"status": "success"},
    ]
    process = start(url(ollama), tmp_path, DSPY_MODEL_INSECURE="true")
    seen = lines_until(process, "ready")
    assert PullProgress("pulling", MODEL, 400, 1000) in seen
    assert ollama.pulls == [{"model": MODEL, "insecure": True, "stream": True}]
    assert end(process) == 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        ("pull model manifest: file does not exist", "ModelNotFound"),
        ('pull model manifest: Get "https://x/v2": dial tcp: lookup x: no such host', "RegistryUnreachable"),
        ("insecure protocol http", "InsecureRegistry"),
        ("write /models/blobs/x: no space left on device", "DiskFull"),
        ("something new", "PullFailed"),
    ],
)
def test_failures_have_reasons(ollama: FakeOllama, tmp_path: Path, error: str, reason: str) -> None:
    ollama.updates, ollama.adds = [{"error": error}], None
    process = start(url(ollama), tmp_path)
    assert lines_until(process, "failed")[-1].reason == reason
    assert end(process, by_itself=True) == 1
    left = json.loads((tmp_path / "termination-log").read_text())
    assert left["reason"] == reason
    assert error in left["message"]


def test_a_pull_that_brings_nothing(ollama: FakeOllama, tmp_path: Path) -> None:
    ollama.adds = None
    process = start(url(ollama), tmp_path)
    assert lines_until(process, "failed")[-1].reason == "PullFailed"
    assert end(process, by_itself=True) == 1


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (MODEL, LISTED),
        ("qwen3:1.7b", "qwen3:1.7b"),
        ("qwen3", "qwen3:latest"),
        ("registry.ollama.ai/library/qwen3", "qwen3:latest"),
        ("http://h:5000/a/b", "h:5000/a/b:latest"),
    ],
)
def test_listed_names(name: str, listed: str) -> None:
    assert listed_model_name(name) == listed
    assert listed_model_name(listed) == listed
