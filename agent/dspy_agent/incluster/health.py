"""A tiny HTTP server for the kubelet's probes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def serve_probes(port: int, ready: Callable[[], str | None], host: str = "0.0.0.0") -> ThreadingHTTPServer:  # noqa: S104
    """Answer ``/healthz`` with 200, and ``/readyz`` with 200 or, while ``ready()`` names a cause, 503.

    The server runs in a daemon thread; ``port`` 0 takes a free one (``server.server_port``).
    """

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            cause = ready() if self.path == "/readyz" else None
            if self.path not in ("/healthz", "/readyz"):
                self.send_error(404)
                return
            body = (cause or "ok").encode() + b"\n"
            self.send_response(503 if cause else 200)
            self.send_header("Content-Type", "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Probes come every few seconds and are no news."""

    server = ThreadingHTTPServer((host, port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="probes", daemon=True).start()
    return server
