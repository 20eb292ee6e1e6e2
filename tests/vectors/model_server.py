"""A real HTTP server on this machine that answers as Ollama and OpenAI do, or as a test wants it to."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.vectors.kit import keys_of, vectors


@dataclass
class Answer:
    """``cut``: the connection ends after so many bytes of the body."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None


@dataclass
class Asked:
    path: str
    body: dict[str, Any]
    headers: dict[str, str]


class ModelServer:
    """Answers by ``plan``, one after the other, and after those as the real servers do."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.asked: list[Asked] = []
        self.plan: list[Answer | Callable[[Asked], Answer]] = []
        self.models = {"small"}
        self.key = ""
        self.dimension = 24
        self.longest = 10**9

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        if self.plan:
            planned = self.plan.pop(0)
            return planned if isinstance(planned, Answer) else planned(asked)
        if self.key and asked.headers.get("Authorization") != f"Bearer {self.key}":
            return error(401, {"error": {"message": "Incorrect API key provided"}})
        texts = asked.body["input"]
        if asked.body["model"] not in self.models:
            said = f'model "{asked.body["model"]}" not found, try pulling it first'
            return error(404, {"error": said if asked.path == "/api/embed" else {"message": said}})
        if any(len(text) > self.longest for text in texts):
            return error(400, {"error": "the input length exceeds the context length"})
        made = [(3 * vectors(1, int(keys_of([text])[0] >> 1), self.dimension)[0]).tolist() for text in texts]
        if asked.path == "/api/embed":
            return ok({"model": asked.body["model"], "embeddings": made})
        data = [{"index": number, "embedding": vector} for number, vector in enumerate(made)]
        return ok({"object": "list", "data": data[::-1]})

    @property
    def texts(self) -> list[str]:
        return [text for asked in self.asked for text in asked.body["input"]]


def ok(body: Any) -> Answer:
    return Answer(200, json.dumps(body).encode())


def error(status: int, body: Any, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, json.dumps(body).encode(), named)


@contextmanager
def model_server() -> Iterator[ModelServer]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = served.answer(Asked(self.path, body, dict(self.headers)))
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            self.wfile.write(answer.body[: answer.cut])
            if answer.cut is not None:
                self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        served = ModelServer(f"http://127.0.0.1:{server.server_address[1]}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()
