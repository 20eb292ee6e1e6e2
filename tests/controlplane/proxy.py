"""Stands between operator and API server, counts what passes, and breaks it on purpose.

Every fault is one attribute or one `Fault`; all are off at first. Writes of Leases and Events are passed
but not counted: they are no part of any end state.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import orjson
from aiohttp import web

UNCOUNTED = ("/leases", "/events")
HOP_BY_HOP = {"Connection", "Keep-Alive", "Transfer-Encoding", "Content-Length", "Content-Encoding", "Host"}


@dataclass(frozen=True)
class Write:
    """One write that the API server answered."""

    method: str
    path: str
    status: int
    body: bytes = b""


@dataclass
class Fault:
    """What happens to the next ``times`` requests that match.

    ``status`` with ``headers`` is answered without asking the API server; ``reset`` cuts the connection
    before asking, ``cut`` in the middle of the answer; ``delay`` (seconds) only takes its time.
    """

    match: Callable[[str, str], bool]
    times: int = 1
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    reset: bool = False
    cut: bool = False
    delay: float = 0.0
    hits: int = 0


def writes(method: str, path: str) -> bool:
    """Match every counted write."""
    return method not in ("GET", "HEAD") and not any(part in path for part in UNCOUNTED)


def reads(method: str, path: str) -> bool:
    """Match every read that is no watch, Leases and Events excepted."""
    return method == "GET" and not any(part in path for part in UNCOUNTED)


class FaultProxy:
    """An HTTP proxy to one API server."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.url = ""
        self.writes: list[Write] = []
        self.reads = 0
        self.faults: list[Fault] = []
        self.stop_after: int | None = None  # hang for good once this many writes were carried out
        self.stopped = asyncio.Event()
        self.edit_event: Callable[[str, bytes], list[bytes]] | None = None  # (path, line) -> lines to send
        self.silent = False  # watches stay open and say nothing
        self.logs: dict[str, str] = {}  # what containers say, by the name of their pod: there is no kubelet
        self.watches = 0
        self.watch_paths: list[str] = []
        self._frozen: dict[str, tuple[int, bytes]] | None = None
        self._gone: set[asyncio.Event] = set()
        self._session: aiohttp.ClientSession | None = None
        self._runner: web.AppRunner | None = None
        self._held = asyncio.Event()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[FaultProxy]:
        """Serve on a free port."""
        app = web.Application(client_max_size=16 * 2**20)
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=False, limit=0), auto_decompress=True
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        try:
            yield self
        finally:
            self._held.set()
            await self._runner.cleanup()
            await self._session.close()

    def clear(self) -> None:
        """Forget writes and switch all faults off."""
        self.writes.clear()
        self.faults.clear()
        self.reads = 0
        self.stop_after = None
        self.stopped.clear()
        self._held.set()
        self._held = asyncio.Event()
        self.edit_event = None
        self.silent = False
        self._frozen = None

    def freeze_reads(self) -> None:
        """Answer every repeated read as it was answered the first time from now on, until `thaw_reads`."""
        self._frozen = {}

    def has_frozen(self, end: str) -> bool:
        """Whether the answer to a read of a path with this end is frozen."""
        return any(path.endswith(end) for path in self._frozen or ())

    def thaw_reads(self) -> None:
        """Answer reads truthfully again."""
        self._frozen = None

    def end_watches_with_gone(self) -> None:
        """End all open watches with an ERROR event of code 410."""
        for event in list(self._gone):
            event.set()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.path
        if self.stopped.is_set():
            await self._hang()
        fault = self._fault(request.method, path, watching="watch" in request.query)
        if fault is not None:
            if fault.delay:
                await asyncio.sleep(fault.delay)
            if fault.reset:
                _cut(request)
            if fault.status:
                return _failure(fault)
        if request.query.get("watch") in ("true", "1"):
            return await self._watch(request)
        pod = path.removesuffix("/log").rpartition("/")[2]
        if path.endswith("/log") and pod in self.logs:
            return web.Response(text=self.logs[pod])
        frozen = self._frozen
        if request.method == "GET" and frozen is not None and request.path_qs in frozen:
            status, stale = frozen[request.path_qs]
            return web.Response(status=status, body=stale, content_type="application/json")
        return await self._forward(request, cut=fault is not None and fault.cut)

    async def _forward(self, request: web.Request, *, cut: bool) -> web.StreamResponse:
        data = await request.read()
        async with self._upstream(request, data) as answer:
            body = await answer.read()
        if writes(request.method, request.path):
            self.writes.append(Write(request.method, request.path, answer.status, data))
            if self.stop_after is not None and len(self.writes) >= self.stop_after:
                self.stopped.set()
                await self._hang()
        elif request.method == "GET":
            self.reads += 1
            if self._frozen is not None:
                self._frozen[request.path_qs] = (answer.status, body)
        if cut:
            half = web.StreamResponse(status=answer.status, headers={"Content-Length": str(len(body))})
            await half.prepare(request)
            await half.write(body[: len(body) // 2])
            _cut(request)
        return web.Response(status=answer.status, body=body, headers=_headers(answer))

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        self.watches += 1
        self.watch_paths.append(request.path)
        async with self._upstream(request, b"") as answer:
            response = web.StreamResponse(status=answer.status, headers=_headers(answer))
            await response.prepare(request)
            gone = asyncio.Event()
            self._gone.add(gone)
            try:
                await self._pump(request.path, answer, response, gone)
            finally:
                self._gone.discard(gone)
        return response

    async def _pump(
        self, path: str, answer: aiohttp.ClientResponse, response: web.StreamResponse, gone: asyncio.Event
    ) -> None:
        over = asyncio.create_task(gone.wait())
        chunk: asyncio.Task[bytes] | None = None
        rest = b""
        try:
            while True:
                chunk = asyncio.create_task(answer.content.readany())
                await asyncio.wait({chunk, over}, return_when=asyncio.FIRST_COMPLETED)
                if over.done():
                    await response.write(_GONE)
                    return
                data = chunk.result()
                if not data:
                    return
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    if self.silent or self.stopped.is_set():
                        continue
                    edited = self.edit_event(path, line) if self.edit_event else [line]
                    for each in edited:
                        await response.write(each + b"\n")
        except (aiohttp.ClientError, ConnectionError):
            return
        finally:
            left = [task for task in (over, chunk) if task is not None]
            for task in left:
                task.cancel()
            await asyncio.gather(*left, return_exceptions=True)

    def _upstream(self, request: web.Request, data: bytes) -> Any:
        assert self._session is not None
        headers = {
            k: v for k, v in request.headers.items() if k.title() not in HOP_BY_HOP | {"Accept-Encoding"}
        }
        return self._session.request(
            request.method,
            self.upstream + request.path_qs,
            data=data or None,
            headers=headers,
            timeout=aiohttp.ClientTimeout(total=None),
        )

    def _fault(self, method: str, path: str, *, watching: bool) -> Fault | None:
        for fault in self.faults:
            if fault.hits < fault.times and not watching and fault.match(method, path):
                fault.hits += 1
                return fault
        return None

    async def _hang(self) -> None:
        await self._held.wait()
        raise web.HTTPServiceUnavailable


_GONE = (
    orjson.dumps(
        {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "apiVersion": "v1",
                "status": "Failure",
                "message": "too old resource version",
                "reason": "Expired",
                "code": 410,
            },
        }
    )
    + b"\n"
)


def _headers(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {key: value for key, value in answer.headers.items() if key.title() not in HOP_BY_HOP}


def _failure(fault: Fault) -> web.Response:
    body = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "code": fault.status,
        "reason": {409: "Conflict", 422: "Invalid", 429: "TooManyRequests"}.get(
            fault.status, "InternalError"
        ),
        "message": f"injected {fault.status}",
    }
    return web.json_response(body, status=fault.status, headers=fault.headers)


def _cut(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
    raise asyncio.CancelledError
