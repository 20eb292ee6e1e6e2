"""A small API server with real processes behind ``pods/exec``, and with faults to order.

It speaks v5.channel.k8s.io and v4, keeps workspaces and pods in dictionaries, and runs in a thread.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import struct
import subprocess
import termios
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import WSMsgType, web

WORKSPACES = "/apis/dspy.dev/v1alpha1"


@dataclass
class Fault:
    method: str
    path: re.Pattern[str]
    status: int
    body: Any
    times: int
    headers: dict[str, str]


def status_object(code: int, reason: str, message: str) -> dict[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "message": message,
        "code": code,
    }


@dataclass
class ApiServer:
    workspaces: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    pods: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    namespaces: set[str] = field(default_factory=lambda: {"default", "team"})
    session_command: list[str] = field(default_factory=lambda: ["bash", "--norc", "--noprofile"])
    protocols: tuple[str, ...] = ("v5.channel.k8s.io", "v4.channel.k8s.io")
    requests: list[tuple[str, str, str]] = field(default_factory=list)
    logs: dict[str, bytes] = field(default_factory=dict)
    refusals: list[str] = field(default_factory=list)  # what the error channel says instead of running
    crds: bool = True
    deaf: bool = False
    on_patch: Callable[[ApiServer, dict[str, Any]], None] | None = None
    faults: list[Fault] = field(default_factory=list)
    url: str = ""

    def __post_init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._live: list[web.Request] = []
        self._processes: list[subprocess.Popen[bytes]] = []
        self._runner: web.AppRunner | None = None

    # What tests order.

    def fail(
        self,
        method: str,
        path: str,
        code: int,
        reason: str = "",
        message: str = "",
        *,
        times: int = 1000,
        body: Any = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        answer = status_object(code, reason, message) if body is None else body
        self.faults.append(Fault(method, re.compile(path), code, answer, times, headers or {}))

    def cut(self) -> None:
        """Break every exec connection without a goodbye, and end what ran behind it."""

        def abort() -> None:
            for request in self._live:
                if request.transport is not None:
                    request.transport.abort()

        self._loop.call_soon_threadsafe(abort)

    def execs(self) -> list[str]:
        return [path for method, path, _ in list(self.requests) if path.endswith("/exec")]

    def patches(self) -> list[dict[str, Any]]:
        return [json.loads(body) for method, _, body in list(self.requests) if method == "PATCH"]

    # Life.

    def start(self, ssl_context: Any = None) -> None:
        started = threading.Event()

        def serve() -> None:
            asyncio.set_event_loop(self._loop)
            self._loop.run_until_complete(self._start(ssl_context))
            started.set()
            self._loop.run_forever()

        self._thread = threading.Thread(target=serve, daemon=True)
        self._thread.start()
        assert started.wait(10)

    def stop(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        if self._runner is not None:
            asyncio.run_coroutine_threadsafe(self._runner.cleanup(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _start(self, ssl_context: Any) -> None:
        app = web.Application(middlewares=[self._middleware])
        app.router.add_get("/api/v1/namespaces/{namespace}", self._namespace)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods", self._list_pods)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}", self._pod)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/exec", self._exec)
        app.router.add_get("/api/v1/namespaces/{namespace}/pods/{pod}/log", self._log)
        app.router.add_get(WORKSPACES + "/agentworkspaces", self._list)
        app.router.add_get(WORKSPACES + "/namespaces/{namespace}/agentworkspaces", self._list)
        one = WORKSPACES + "/namespaces/{namespace}/agentworkspaces/{name}"
        app.router.add_get(one, self._get)
        app.router.add_patch(one, self._patch)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=ssl_context)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"{'https' if ssl_context else 'http'}://{host}:{port}"

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.text() if request.method == "PATCH" else ""
        self.requests.append((request.method, request.path, body))
        for fault in self.faults:
            if fault.times and fault.method == request.method and fault.path.search(request.path):
                fault.times -= 1
                return web.json_response(fault.body, status=fault.status, headers=fault.headers)
        if not self.crds and request.path.startswith(WORKSPACES):
            return web.Response(status=404, text="404 page not found\n")
        response: web.StreamResponse = await handler(request)
        return response

    # Objects.

    def _missing(self, kind: str, name: str) -> web.Response:
        return web.json_response(status_object(404, "NotFound", f'{kind} "{name}" not found'), status=404)

    async def _namespace(self, request: web.Request) -> web.Response:
        name = request.match_info["namespace"]
        return (
            web.json_response({"metadata": {"name": name}})
            if name in self.namespaces
            else self._missing("namespaces", name)
        )

    async def _list_pods(self, request: web.Request) -> web.Response:
        wanted = dict(pair.split("=") for pair in request.query.get("labelSelector", "").split(",") if pair)
        items = [
            pod
            for (namespace, _), pod in self.pods.items()
            if namespace == request.match_info["namespace"]
            and wanted.items() <= pod["metadata"]["labels"].items()
        ]
        return web.json_response({"items": items})

    async def _pod(self, request: web.Request) -> web.Response:
        pod = self.pods.get((request.match_info["namespace"], request.match_info["pod"]))
        return web.json_response(pod) if pod else self._missing("pods", request.match_info["pod"])

    async def _list(self, request: web.Request) -> web.Response:
        namespace = request.match_info.get("namespace")
        items = [item for (own, _), item in self.workspaces.items() if namespace in (None, own)]
        if "as=Table" in request.headers["accept"]:
            columns = [
                {"name": "Name", "priority": 0},
                {"name": "Ready", "priority": 0},
                {"name": "Wide", "priority": 1},
            ]
            rows = [
                {
                    "cells": [item["metadata"]["name"], "True", "hidden"],
                    "object": {"metadata": item["metadata"]},
                }
                for item in items
            ]
            return web.json_response({"columnDefinitions": columns, "rows": rows, "metadata": {}})
        return web.json_response({"items": items, "metadata": {}})

    async def _get(self, request: web.Request) -> web.Response:
        key = request.match_info["namespace"], request.match_info["name"]
        return (
            web.json_response(self.workspaces[key])
            if key in self.workspaces
            else self._missing("agentworkspaces.dspy.dev", key[1])
        )

    async def _patch(self, request: web.Request) -> web.Response:
        key = request.match_info["namespace"], request.match_info["name"]
        workspace, change = self.workspaces[key], await request.json()
        assert request.content_type == "application/merge-patch+json"
        workspace["metadata"].setdefault("annotations", {}).update(
            change.get("metadata", {}).get("annotations", {})
        )
        if change.get("spec"):
            workspace["spec"].update(change["spec"])
            workspace["metadata"]["generation"] += 1
        answer = json.loads(json.dumps(workspace))
        if self.on_patch is not None:
            self.on_patch(self, change)
        return web.json_response(answer)

    async def _log(self, request: web.Request) -> web.StreamResponse:
        container = request.query["container"]
        if container not in self.logs:
            message = f"container {container} is not valid for pod {request.match_info['pod']}"
            return web.json_response(status_object(400, "BadRequest", message), status=400)
        lines = self.logs[container].splitlines(keepends=True)
        tail = int(request.query.get("tailLines", len(lines)))
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"".join(lines[len(lines) - tail :]))
        if request.query.get("follow") == "true":
            await asyncio.sleep(3600)
        return response

    # Commands.

    async def _exec(self, request: web.Request) -> web.StreamResponse:
        pod = self.pods.get((request.match_info["namespace"], request.match_info["pod"]))
        if pod is None:
            return self._missing("pods", request.match_info["pod"])
        websocket = web.WebSocketResponse(protocols=self.protocols, max_msg_size=0, autoping=not self.deaf)
        await websocket.prepare(request)
        if self.refusals:
            refusal = status_object(500, "InternalError", self.refusals.pop(0))
            await websocket.send_bytes(b"\x03" + json.dumps(refusal).encode())
            return websocket
        self._live.append(request)
        command = request.query.getall("command")
        process, stdin, outputs = self._spawn(
            self.session_command if command == ["dspy-agent"] else command,
            tty=request.query.get("tty") == "true",
            takes_input=request.query.get("stdin") == "true",
        )
        try:
            if process is None:
                await websocket.send_bytes(
                    b"\x03"
                    + json.dumps(
                        status_object(
                            500, "InternalError", f'exec: "{command[0]}": executable file not found in $PATH'
                        )
                    ).encode()
                )
                return websocket
            feeding = asyncio.create_task(self._feed(websocket, stdin))
            try:
                await asyncio.gather(*(self._drain(websocket, channel, fd) for channel, fd in outputs))
                code = await asyncio.to_thread(process.wait)
                await websocket.send_bytes(b"\x03" + json.dumps(_exit_status(code)).encode())
                await websocket.close()
            finally:
                feeding.cancel()
        finally:
            self._live.remove(request)
            if process is not None and process.poll() is None:
                process.kill()
        return websocket

    def _spawn(
        self, command: list[str], *, tty: bool, takes_input: bool
    ) -> tuple[subprocess.Popen[bytes] | None, int, list[tuple[int, int]]]:
        try:
            if tty:
                master, slave = os.openpty()
                process = subprocess.Popen(
                    command, preexec_fn=lambda: os.login_tty(slave), close_fds=True, pass_fds=(slave,)
                )
                os.close(slave)
                stdin, outputs = os.dup(master), [(1, master)]
            else:
                process = subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1)
                assert process.stdin is not None
                assert process.stdout is not None
                assert process.stderr is not None
                stdin, out, err = (
                    os.dup(stream.fileno()) for stream in (process.stdin, process.stdout, process.stderr)
                )
                for stream in (process.stdin, process.stdout, process.stderr):
                    stream.close()
                if not takes_input:
                    os.close(stdin)
                    stdin = os.open(os.devnull, os.O_WRONLY)
                outputs = [(1, out), (2, err)]
        except FileNotFoundError:
            return None, -1, []
        self._processes.append(process)
        return process, stdin, outputs

    async def _drain(self, websocket: web.WebSocketResponse, channel: int, fd: int) -> None:
        try:
            while data := await asyncio.to_thread(_read, fd):
                await websocket.send_bytes(bytes((channel,)) + data)
        finally:
            os.close(fd)

    async def _feed(self, websocket: web.WebSocketResponse, stdin: int) -> None:
        try:
            async for message in websocket:
                if message.type != WSMsgType.BINARY:
                    continue
                channel, data = message.data[0], message.data[1:]
                if channel == 0:
                    await asyncio.to_thread(_write, stdin, data)
                elif channel == 4:
                    size = json.loads(data)
                    fcntl.ioctl(
                        stdin, termios.TIOCSWINSZ, struct.pack("HHHH", size["Height"], size["Width"], 0, 0)
                    )
                elif channel == 255 and data == b"\0" and websocket.ws_protocol == "v5.channel.k8s.io":
                    os.close(stdin)
                    stdin = -1
        finally:
            if stdin >= 0:
                os.close(stdin)


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 32768)
    except OSError:  # a pty whose process has ended
        return b""


def _write(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(fd, view) :]
        except OSError:
            return


def _exit_status(code: int) -> dict[str, Any]:
    if code == 0:
        return {"metadata": {}, "status": "Success"}
    code = code if code > 0 else 128 - code
    cause = {"reason": "ExitCode", "message": str(code)}
    return {
        **status_object(500, "NonZeroExitCode", f"command terminated with non-zero exit code: {code}"),
        "details": {"causes": [cause]},
    }
