"""The watch on the vector store against a real Milvus Lite server, and servers that refuse."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import grpc
import pytest

from dspy_agent.incluster.vector_store import check
from dspy_agent_core.contracts.cluster import (
    VECTOR_REASONS,
    VECTOR_SECRET,
    VECTOR_STORE,
    VECTOR_TOKEN,
    Termination,
    vector_token,
)


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def url(port: int) -> str:
    return f"http://127.0.0.1:{port}"


Refuse = Callable[[grpc.StatusCode, str], str]


class Refusal(grpc.GenericRpcHandler):  # type: ignore[misc]  grpc has no types
    """Answers every call with the same error."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        self._code, self._text = code, text

    def service(self, handler_call_details: Any) -> Any:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            context.abort(self._code, self._text)
            raise AssertionError("abort raises")

        return grpc.unary_unary_rpc_method_handler(answer)


@pytest.fixture
def refuse() -> Iterator[Refuse]:
    """Starts a gRPC server that refuses every call, and returns its URL."""
    servers: list[grpc.Server] = []

    def start(code: grpc.StatusCode, text: str) -> str:
        server = grpc.server(ThreadPoolExecutor(2))
        server.add_generic_rpc_handlers((Refusal(code, text),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        servers.append(server)
        return url(port)

    yield start
    for server in servers:
        server.stop(None).wait()


class Milvus:
    """A Milvus Lite server process on a port of its own."""

    def __init__(self, folder: Path, port: int) -> None:
        command = ["server", "--host", "127.0.0.1", "--port", str(port), "--data-dir", str(folder)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "milvus_lite", *command],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()


class Program:
    """The program as its pod runs it."""

    def __init__(self, uri: str, **environment: str) -> None:
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dspy_agent.incluster.vector_store"],
            env=os.environ | {VECTOR_STORE: uri, "DSPY_VECTORS_PORT": str(self.port)} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,  # as the kubelet keeps them: one log
            text=True,
        )

    def line(self) -> Any:
        assert self.process.stdout
        return json.loads(self.process.stdout.readline())

    def ready(self) -> int:
        try:
            with urllib.request.urlopen(f"{url(self.port)}/readyz") as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code


@pytest.fixture
def run() -> Iterator[Callable[..., Program]]:
    programs: list[Program] = []

    def start(*words: str, **environment: str) -> Program:
        programs.append(Program(*words, **environment))
        return programs[-1]

    yield start
    for program in programs:
        program.process.terminate()
        assert program.process.wait(10) == 0
        assert program.process.stdout
        program.process.stdout.close()


@pytest.mark.timeout(180)
def test_it_tells_when_the_store_comes_and_goes(run: Callable[..., Program], tmp_path: Path) -> None:
    port = free_port()
    program = run(url(port))
    first = program.line()
    assert first["reason"] == "VectorStoreUnreachable"
    assert "it refuses connections" in first["message"]
    assert program.ready() == 503
    milvus = Milvus(tmp_path, port)
    try:
        assert program.line() == {"status": "connected"}
        assert program.ready() == 200
    finally:
        milvus.stop()
    assert program.line()["reason"] == "VectorStoreUnreachable"
    assert program.ready() == 503


@pytest.mark.timeout(120)
def test_a_secret_that_comes_later_is_used(
    run: Callable[..., Program], refuse: Refuse, tmp_path: Path
) -> None:
    uri = refuse(grpc.StatusCode.UNAUTHENTICATED, "auth check failure")
    program = run(uri, **{VECTOR_SECRET: str(tmp_path)})
    assert program.line()["reason"] == "SecretNotFound"
    (tmp_path / "other").write_text("x")
    assert program.line()["reason"] == "SecretKeyNotFound"
    (tmp_path / "token").write_text("t0ken\n")
    told = program.line()
    assert told["reason"] == "VectorStoreUnauthorized"
    assert "t0ken" not in told["message"]


@pytest.mark.parametrize(
    ("code", "text", "reason", "words"),
    [
        (grpc.StatusCode.UNAUTHENTICATED, "auth check failure", "VectorStoreUnauthorized", "asks for cred"),
        (grpc.StatusCode.PERMISSION_DENIED, "deny to u", "VectorStoreUnauthorized", "asks for cred"),
        (grpc.StatusCode.UNIMPLEMENTED, "unknown service", "VectorStoreUnreachable", "not Milvus"),
        (grpc.StatusCode.INTERNAL, "disk on fire", "VectorStoreFailed", "disk on fire"),
    ],
)
def test_what_the_server_says(
    refuse: Refuse, code: grpc.StatusCode, text: str, reason: str, words: str
) -> None:
    found = told(refuse(code, text), {})
    assert found.reason == reason
    assert words in found.message


def test_wrong_credentials_name_the_field_and_not_the_token(refuse: Refuse) -> None:
    uri = refuse(grpc.StatusCode.UNAUTHENTICATED, "auth check failure for s3cret")
    found = told(uri, {VECTOR_TOKEN: "s3cret"})
    assert "refuses the credentials in spec.vectorStore.milvus.secretRef" in found.message
    assert "s3cret" not in found.message


def test_what_answers_but_is_not_milvus() -> None:
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        found = told(url(server.server_port), {})
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert found.reason == "VectorStoreUnreachable"
    assert "not Milvus" in found.message


@pytest.mark.parametrize(
    "uri", ["http://x.invalid:1", "http://127.0.0.1:99999", "http://[", "ftp://x", "http://a.db"]
)
def test_any_address_gets_an_answer(uri: str) -> None:
    assert told(uri, {}).reason in VECTOR_REASONS


@pytest.mark.timeout(120)
def test_a_connection_is_real(tmp_path: Path) -> None:
    port = free_port()
    milvus = Milvus(tmp_path, port)
    try:
        while failure := check(url(port), {}):
            assert failure.reason == "VectorStoreUnreachable"
        missing = told(f"{url(port)}/elsewhere", {})
        assert missing.reason == "VectorStoreFailed"
        assert "elsewhere" in missing.message
    finally:
        milvus.stop()


def told(uri: str, environment: dict[str, str]) -> Termination:
    found = check(uri, environment)
    assert found
    return found


@pytest.mark.parametrize(
    ("files", "token"),
    [
        ({}, ""),
        ({"token": " a:b\n"}, "a:b"),
        ({"username": "u", "password": "p\n"}, "u:p"),
        ({"username": "u"}, ""),
        ({"token": "t", "username": "u", "password": "p"}, "t"),
    ],
)
def test_credentials_in_a_folder(files: dict[str, str], token: str, tmp_path: Path) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert vector_token({VECTOR_SECRET: str(tmp_path)}) == token
    assert vector_token({VECTOR_SECRET: str(tmp_path), VECTOR_TOKEN: "mine"}) == "mine"
    assert vector_token({VECTOR_SECRET: str(tmp_path / "nothing")}) == ""
