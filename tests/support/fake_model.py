"""A model server of our own: real HTTP, both APIs, and every way to fail.

    with FakeModelServer("hello") as server: …

They are given in turn, the last again and again; or by a function of the request: a dict with ``path``,
``body`` and ``headers``. A plain text is streamed word by word; ``Answer`` says how else.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from dspy_agent.model.probe import TRIAL_WORD


@dataclass(frozen=True)
class Answer:
    """One answer of the server.

    Args:
        text: what the model says.
        status: other than 200: an error, ``text`` is its message.
        headers: sent along.
        first: seconds before anything is sent.
        pause: seconds between pieces.
        cut_after: so many pieces are sent, then the connection is closed.
        reset: it is closed hard, without an end of the stream.
        raw: sent as the body instead of all else.
        pieces: how the text is cut; default: words.
        done: why it ended: ``stop`` or ``length``; None: it never says.
        prompt_tokens: that the server counts; default: a fourth of the characters.
        error: an error within the stream, after ``cut_after`` pieces.
        tool_calls: of the message.
        until: waits for this event after the first piece.
    """

    text: str = ""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    first: float = 0.0
    pause: float = 0.0
    cut_after: int | None = None
    reset: bool = False
    raw: bytes | None = None
    pieces: Sequence[str | bytes] | None = None
    done: str | None = "stop"
    prompt_tokens: int | None = None
    error: str | None = None
    tool_calls: Sequence[Mapping[str, Any]] = ()
    until: threading.Event | None = None


_KEY = "k3y-of-tests"
Script = Callable[[dict[str, Any]], "str | Answer"]


class FakeModelServer(ThreadingHTTPServer):
    """Speaks Ollama's and OpenAI's protocol.

    ``requests`` holds what was asked for an answer, ``other`` the paths of all else. What the agent asks to
    learn what a model can do is answered by ``schema`` and ``capabilities``; in ``other`` it is a ``trial``.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(
        self,
        *answers: str | Answer | Script,
        models: Sequence[str] = ("small",),
        context_length: int = 32768,
        capabilities: Sequence[str] = ("completion", "tools"),
        schema: bool = True,
        thinks: str = "never",
        listed: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers = list(answers) or ["{}"]
        self.models = list(models)
        self.context_length = context_length
        self.capabilities = list(capabilities)
        self.schema = schema
        self.thinks = thinks  # "never", "always", or "unless told" by a template's switch
        # What OpenAI's list of models says of each beside its name; by default a length, as vLLM does.
        self.listed = {"max_model_len": context_length} if listed is None else dict(listed)
        self.digest = "sha-1"
        self.broken: Answer | None = None  # the answer to what is asked to learn what a model can do
        self.requests: list[dict[str, Any]] = []
        self.other: list[str] = []
        self.torn = False  # each byte is a chunk of its own
        self.gone = threading.Event()  # a client closed its connection in mid-answer
        self._lock = threading.Lock()
        self._cache = tempfile.TemporaryDirectory()

    @property
    def url(self) -> str:
        """The address without a path, as OLLAMA_HOST has it."""
        return f"http://127.0.0.1:{self.server_port}"

    @property
    def openai_url(self) -> str:
        """The address as OPENAI_BASE_URL has it."""
        return f"{self.url}/v1"

    def environment(self, model: str = "small", *, openai: bool = False) -> dict[str, str]:
        """Return what to set so that this server is asked; what is learned goes to a folder of its own."""
        if openai:
            named = {
                "OPENAI_BASE_URL": self.openai_url,
                "MODEL_NAME": model,
                "OPENAI_API_KEY": _KEY,
            }
            return {**named, "USE_OLLAMA": "", "XDG_CACHE_HOME": self._cache.name}
        named = {"USE_OLLAMA": "1", "OLLAMA_HOST": self.url, "OLLAMA_MODEL": model, "OLLAMA_API_KEY": _KEY}
        return {**named, "XDG_CACHE_HOME": self._cache.name}

    def next_answer(self, request: dict[str, Any]) -> Answer:
        trial = self._trial(request["body"])
        if trial is not None:
            self.other.append("trial")
            return self.broken or trial
        with self._lock:
            self.requests.append(request)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if callable(answer):
            answer = answer(request)
        return Answer(answer) if isinstance(answer, str) else answer

    def _trial(self, body: dict[str, Any]) -> Answer | None:
        if TRIAL_WORD in json.dumps(body.get("format", body.get("response_format"))):
            return Answer(json.dumps({"word": TRIAL_WORD}) if self.schema else "Hello there!")
        if body.get("tools"):
            call = {"name": body["tools"][0]["function"]["name"], "arguments": {}}
            return Answer(tool_calls=[call]) if "tools" in self.capabilities else Answer("No tools here.")
        return None

    def thinks_about(self, body: dict[str, Any]) -> bool:
        """Return whether the model thinks before this answer."""
        told = body.get("think") is False or body.get("chat_template_kwargs") == {"enable_thinking": False}
        return self.thinks == "always" or (self.thinks == "unless told" and not told)

    def __enter__(self) -> FakeModelServer:
        self._thread = threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join()
        self._cache.cleanup()

    def handle_error(self, request: Any, client_address: Any) -> None:
        self.gone.set()


class _Handler(BaseHTTPRequestHandler):
    server: FakeModelServer
    protocol_version = "HTTP/1.1"
    wbufsize = 0

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.other.append(self.path)
        if self.path == "/api/version":
            self._json({"version": "0.24.0"})
        elif self.path == "/api/tags":
            self._json({"models": [_tag(name, self.server.digest) for name in self.server.models]})
        elif self.path == "/api/ps":
            self._json({"models": []})
        elif self.path.endswith("/models"):
            models = [{"id": name, "object": "model", **self.server.listed} for name in self.server.models]
            self._json({"object": "list", "data": models})
        else:
            self._json({"error": "not found"}, 404)

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        request = {"path": self.path, "body": body, "headers": dict(self.headers)}
        if self.path == "/api/show":
            self.server.other.append(self.path)
            self._show(body)
        elif self.path == "/api/pull":
            self.server.other.append(self.path)
            self._pull(body)
        elif self.path in ("/api/chat", "/api/generate"):
            self._ollama(self.server.next_answer(request), body)
        elif self.path.endswith("/chat/completions"):
            self._openai(self.server.next_answer(request), body)
        else:
            self._json({"error": "not found"}, 404)

    def _show(self, body: dict[str, Any]) -> None:
        if body.get("model") not in self.server.models:
            self._json({"error": f"model '{body.get('model')}' not found"}, 404)
            return
        info = {"general.architecture": "fake", "fake.context_length": self.server.context_length}
        self._json({"model_info": info, "capabilities": self.server.capabilities, "details": {}})

    def _pull(self, body: dict[str, Any]) -> None:
        self._start("application/x-ndjson")
        for part in (
            {"status": "pulling manifest"},
            {"status": "pulling abc", "digest": "abc", "total": 100, "completed": 50},
            {"status": "pulling abc", "digest": "abc", "total": 100, "completed": 100},
            {"status": "success"},
        ):
            self._chunk(json.dumps(part).encode() + b"\n")
        self.server.models.append(body["model"])
        self._chunk(b"")

    def _ollama(self, answer: Answer, body: dict[str, Any]) -> None:
        if body["model"] not in self.server.models:
            self._json({"error": f"model '{body['model']}' not found"}, 404)
            return
        counted = _counted(answer, body)
        base = {"model": body["model"], "created_at": "2026-01-01T00:00:00Z"}

        def part(text: str, **more: Any) -> bytes:
            message: dict[str, Any] = {"role": "assistant", "content": text}
            if answer.tool_calls and more.get("done"):
                message["tool_calls"] = [{"function": dict(call)} for call in answer.tool_calls]
            said = {"message": message} if self.path == "/api/chat" else {"response": text}
            return json.dumps({**base, **said, "done": False, **more}, ensure_ascii=False).encode() + b"\n"

        end = part("", done=True, done_reason=answer.done, prompt_eval_count=counted, eval_count=7)
        failed = json.dumps({"error": answer.error}).encode() + b"\n"
        thought = json.dumps({**base, "message": {"role": "assistant", "thinking": "Hm."}, "done": False})
        thoughts = [f"{thought}\n".encode()] if self.server.thinks_about(body) else []
        self._stream(answer, "application/x-ndjson", part, thoughts, [end], failed)

    def _openai(self, answer: Answer, body: dict[str, Any]) -> None:
        if body["model"] not in self.server.models:
            self._json({"error": {"message": "no such model", "code": "model_not_found"}}, 404)
            return
        counted = _counted(answer, body)
        base = {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}

        def event(data: Mapping[str, Any]) -> bytes:
            return b"data: " + json.dumps({**base, **data}, ensure_ascii=False).encode() + b"\n\n"

        def part(text: str) -> bytes:
            return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}]})

        usage = {"prompt_tokens": counted, "completion_tokens": 7, "total_tokens": counted + 7}
        delta: dict[str, Any] = {}
        if answer.tool_calls:
            delta["tool_calls"] = [
                {
                    "index": number,
                    "id": str(number),
                    "type": "function",
                    "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
                }
                for number, call in enumerate(answer.tool_calls)
            ]
        end = event({"choices": [{"index": 0, "delta": delta, "finish_reason": answer.done}]})
        last = event({"choices": [], "usage": usage})
        failed = b"data: " + json.dumps({"error": {"message": answer.error}}).encode() + b"\n\n"
        thought = event({"choices": [{"index": 0, "delta": {"reasoning_content": "Hm."}}]})
        thoughts = [thought] if self.server.thinks_about(body) else []
        self._stream(answer, "text/event-stream", part, thoughts, [end, last, b"data: [DONE]\n\n"], failed)

    def _stream(
        self,
        answer: Answer,
        kind: str,
        part: Callable[[str], bytes],
        thoughts: list[bytes],
        ends: list[bytes],
        failed: bytes,
    ) -> None:
        time.sleep(answer.first)
        if answer.status != 200:
            openai = self.path.endswith("/completions")
            error = {"message": answer.text, "type": "error"} if openai else answer.text
            self._json({"error": error}, answer.status, answer.headers)
            return
        if answer.reset and answer.cut_after is None:
            self._reset()
            return
        self._start(kind, answer.headers)
        if answer.raw is not None:
            self._chunk(answer.raw)
            self._chunk(b"")
            return
        for thought in thoughts:
            self._chunk(thought)
        pieces = re.findall(r"\s*\S+\s*", answer.text) if answer.pieces is None else answer.pieces
        for number, piece in enumerate(pieces):
            if answer.cut_after is not None and number == answer.cut_after:
                break
            self._chunk(piece if isinstance(piece, bytes) else part(piece))
            if answer.until is not None and not number:
                answer.until.wait(30)
            time.sleep(answer.pause)
        if answer.error is not None:
            self._chunk(failed)
        elif answer.cut_after is not None:
            if answer.reset:
                self._reset()
            self.close_connection = True
            return
        elif answer.done is not None:
            for end in ends:
                self._chunk(end)
        self._chunk(b"")

    def _start(self, kind: str, headers: Mapping[str, str] = {}) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        if self.server.torn and len(data) > 1:
            for number in range(len(data)):
                self._chunk(data[number : number + 1])
            return
        try:
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        except OSError:
            self.server.gone.set()
            self.close_connection = True
            raise

    def _reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        self.connection.close()

    def _json(self, value: Any, status: int = 200, headers: Mapping[str, str] = {}) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data)


def _tag(name: str, digest: str) -> dict[str, Any]:
    return {"name": name, "model": name, "digest": digest, "size": 1, "details": {"family": "fake"}}


def _counted(answer: Answer, body: dict[str, Any]) -> int:
    if answer.prompt_tokens is not None:
        return answer.prompt_tokens
    texts = [str(one.get("content", "")) for one in body.get("messages", [])] or [body.get("prompt", "")]
    return sum(len(text) // 4 + 4 for text in texts)


@pytest.fixture
def fake_model(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeModelServer]:
    """Yield a server that the environment names; set its ``answers``."""
    with FakeModelServer() as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server
