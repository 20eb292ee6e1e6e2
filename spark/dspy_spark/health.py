"""Answers /healthz, /readyz and /metrics from the progress of the query."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

from dspy_agent_core.errors import UsageError

# A batch that waits for a broker takes long, and is no reason to be killed before the client gives up.
STALE_SECONDS: Final = 300.0


@dataclass(frozen=True, slots=True)
class Progress:
    """One micro-batch. ``lines`` were read from Kafka, it took ``seconds``."""

    batch: int
    lines: int
    seconds: float


class Health:
    """What is known of the query; any thread may call any method.

    Args:
        clock: seconds, monotonic.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._since = clock()
        self._last: Progress | None = None
        self._lines = 0

    def note(self, progress: Progress) -> None:
        """Take the progress of a batch; the same batch may come again."""
        if self._last is None or progress.batch != self._last.batch:
            self._last, self._since = progress, self._clock()
            self._lines += progress.lines

    def stuck(self) -> str | None:
        """Return what is wrong if no batch ends."""
        silent = self._clock() - self._since
        return f"no micro-batch ended for {silent:.0f} s" if silent > STALE_SECONDS else None

    def unready(self) -> str | None:
        """Return what keeps the job from being ready."""
        return self.stuck() or ("the first micro-batch has not ended" if self._last is None else None)

    def metrics(self) -> str:
        """Return the measurements in Prometheus' text format."""
        last = self._last or Progress(-1, 0, 0.0)
        return (
            "# TYPE dspy_agent_stream_lines_total counter\n"
            f"dspy_agent_stream_lines_total {self._lines}\n"
            "# TYPE dspy_agent_spark_batch_seconds gauge\n"
            f"dspy_agent_spark_batch_seconds {last.seconds}\n"
            "# TYPE dspy_agent_spark_batch_age_seconds gauge\n"
            f"dspy_agent_spark_batch_age_seconds {self._clock() - self._since:.3f}\n"
        )

    def answer(self, path: str) -> tuple[int, str]:
        """Return the status and the text for ``path``."""
        if path == "/metrics":
            return 200, self.metrics()
        if path not in ("/healthz", "/readyz"):
            return 404, "not found\n"
        wrong = self.stuck() if path == "/healthz" else self.unready()
        return (503, f"{wrong}\n") if wrong else (200, "ok\n")


@contextmanager
def serving(health: Health, port: int) -> Iterator[int]:
    """Serve ``health`` on ``port`` (0: any that is free), and yield the port.

    Raises:
        UsageError: the port can't be had.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            status, text = health.answer(self.path)
            self.send_response(status)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds: no log."""

    try:
        server = ThreadingHTTPServer(("", port), Handler)
    except OSError as error:
        raise UsageError(
            f"Port {port} can't be served: {(error.strerror or str(error)).lower()}.",
            code="PortInUse",
            next="Choose another: --http-port PORT.",
        ) from None
    thread = threading.Thread(target=server.serve_forever, name="http", daemon=True)
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
