"""A small HTTP server for probes, metrics and what a program adds, in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import AF_INET, AF_INET6, has_dualstack_ipv6
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

from dspy_agent_core.errors import UsageError

TEXT: Final = "text/plain; charset=utf-8"
JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a route answers; a body in pieces is sent as they come, and the connection then closed."""

    body: bytes | Iterator[bytes]
    status: int = 200
    content_type: str = TEXT


# Takes the rest of the path, without its first "/", and the query's values by name.
Route = Callable[[str, Mapping[str, list[str]]], Reply]


@contextmanager
def serving(port: int, routes: Mapping[str, Route], host: str = "") -> Iterator[int]:
    """Serve ``routes``, each below its path; yields the port (a free one for 0).

    ``host`` is the address to listen at; the empty one means all interfaces.

    A route is called in a thread of its own for each request.

    Raises:
        UsageError: the port can't be had.
    """
    try:
        server = _Server(port, dict(routes), host)
    except OSError as error:
        raise UsageError(
            f"Port {port} can't be served: {(error.strerror or str(error)).lower()}.",
            code="PortInUse",
            next="Choose another: --http-port PORT.",
        ) from None
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.2}, name="http", daemon=True
    )
    thread.start()
    try:
        yield int(server.server_address[1])
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False  # a reader that follows does not hold up the end
    request_queue_size = 64

    def __init__(self, port: int, routes: dict[str, Route], host: str) -> None:
        self.routes = routes
        six = ":" in host if host else has_dualstack_ipv6()
        self.address_family = AF_INET6 if six else AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        """Take IPv4 too."""
        if self.address_family == AF_INET6:
            from socket import IPPROTO_IPV6, IPV6_V6ONLY

            self.socket.setsockopt(IPPROTO_IPV6, IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a client that went away."""

    def answer(self, target: str) -> Reply:
        """Return what the route of ``target`` says."""
        parts = urlsplit(target)
        path = unquote(parts.path)
        for start in sorted(self.routes, key=len, reverse=True):
            if path == start or path.startswith(start + "/"):
                return self.routes[start](path[len(start) + 1 :], parse_qs(parts.query))
        return Reply(b"not found\n", 404)


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = 30
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        reply = self.server.answer(self.path)
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.content_type)
        if isinstance(reply.body, bytes):
            self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            self.wfile.write(reply.body)
            return
        self.send_header("Connection", "close")
        self.end_headers()
        self.close_connection = True
        for piece in reply.body:
            self.wfile.write(piece)

    def log_message(self, format: str, *args: object) -> None:
        """Probes come every few seconds: no log."""
