"""A thin API client: JSON over aiohttp, typed errors, server-side apply.

The official client is synchronous and takes 0.6 s to import; kopf's own is private. A reconcile needs
ten verbs, so they are written out here. Retrying is the caller's affair (`queue`), with one exception:
a 401 is tried again with fresh credentials, because tokens rotate.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import aiohttp
import orjson

from dspy_operator.kube.credentials import Credentials
from dspy_operator.kube.errors import Forbidden, KubeError, Unreachable, from_status

FIELD_MANAGER: Final = "dspy-operator"
PAGE_SIZE: Final = 500
_APPLY: Final = "application/apply-patch+yaml"
_JSON: Final = "application/json"
_MANAGER: Final = {"fieldManager": FIELD_MANAGER}

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list. ``resource_version`` is the list's, equal on all pages."""

    items: list[Object]
    resource_version: str


class KubeClient:
    """One connection pool to one API server.

    Args:
        credentials: where the server is and how to log in.
        connections: requests in flight at most; watches come on top.
        timeout: seconds for one answer.
    """

    def __init__(self, credentials: Credentials, *, connections: int = 32, timeout: float = 20.0) -> None:
        self._credentials = credentials
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(total=timeout, connect=timeout)
        self._slots = asyncio.Semaphore(connections)
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(ssl=self._credentials.ssl_context(), limit=0, keepalive_timeout=60)
        self._session = aiohttp.ClientSession(connector=connector, headers={"User-Agent": FIELD_MANAGER})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(self, path: str) -> Object:
        """Return one object, or what discovery answers. Raises NotFound."""
        return await self._json("GET", path)

    async def pages(self, path: str, *, labels: str = "", fields: str = "") -> AsyncIterator[Page]:
        """Yield a collection's objects, page by page. Raises Gone if that took too long."""
        params = {"limit": str(PAGE_SIZE)}
        if labels:
            params["labelSelector"] = labels
        if fields:
            params["fieldSelector"] = fields
        while True:
            body = await self._json("GET", path, params=params)
            meta = body.get("metadata", {})
            yield Page(body.get("items") or [], str(meta.get("resourceVersion", "")))
            if not meta.get("continue"):
                return
            params["continue"] = meta["continue"]

    async def create(self, path: str, body: Object) -> Object:
        """Create an object in the collection ``path``. Raises Conflict if there is one of that name."""
        return await self._json("POST", path, params=_MANAGER, body=body)

    async def replace(self, path: str, body: Object) -> Object:
        """Replace an object; its resourceVersion is a precondition. Raises Conflict."""
        return await self._json("PUT", path, params=_MANAGER, body=body)

    async def apply(self, path: str, body: Object, *, force: bool) -> Object:
        """Server-side apply ``body`` and return the object.

        With ``force`` fields of other managers are taken over; without it they make a Conflict.
        """
        params = {**_MANAGER, "force": "true" if force else "false"}
        return await self._json("PATCH", path, params=params, body=body, content_type=_APPLY)

    async def delete(self, path: str, *, uid: str, resource_version: str = "") -> None:
        """Delete exactly this object. Raises NotFound, Conflict (another uid)."""
        preconditions = {"uid": uid} | ({"resourceVersion": resource_version} if resource_version else {})
        body = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": "Background",
            "preconditions": preconditions,
        }
        await self._json("DELETE", path, body=body)

    async def log_tail(self, pod_path: str, container: str, *, lines: int = 1) -> str:
        """Return the last lines of a container's log, at most 16 KiB."""
        path = f"{pod_path}/log"
        params = {"container": container, "tailLines": str(lines), "limitBytes": "16384"}
        return (await self._request("GET", path, params=params)).decode("utf-8", "replace")

    async def stream(
        self, path: str, *, params: Mapping[str, str], accept: str, idle_seconds: float
    ) -> AsyncIterator[bytes]:
        """Yield the lines of a streamed answer. Raises Unreachable when nothing came for ``idle_seconds``."""
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=idle_seconds, sock_read=idle_seconds)
        headers = {**self._credentials.headers(), "Accept": accept}
        try:
            async with self._open.get(
                self._url(path), params=params, headers=headers, timeout=timeout
            ) as answer:
                if answer.status >= 400:
                    if answer.status == 401:
                        self._credentials.headers(refused=True)
                    raise _error(answer, await answer.read())
                rest = b""
                async for chunk in answer.content.iter_any():
                    *lines, rest = (rest + chunk).split(b"\n")
                    for line in lines:
                        yield line
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{path}: {error or type(error).__name__}") from error

    @property
    def _open(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise RuntimeError("KubeClient is used outside its `async with`")
        return self._session

    def _url(self, path: str) -> str:
        return self._credentials.server + path

    async def _json(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Object | None = None,
        content_type: str = _JSON,
    ) -> Object:
        data = orjson.dumps(body) if body is not None else None
        raw = await self._request(method, path, params=params, data=data, content_type=content_type)
        try:
            value: Object = orjson.loads(raw)
        except orjson.JSONDecodeError as error:
            raise Unreachable(f"{method} {path}: the answer is no JSON") from error
        return value

    async def _request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        content_type: str = _JSON,
    ) -> bytes:
        try:
            return await self._once(method, path, params, data, content_type, refused=False)
        except Forbidden as error:
            if error.status != 401:
                raise
            return await self._once(method, path, params, data, content_type, refused=True)

    async def _once(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None,
        data: bytes | None,
        content_type: str,
        *,
        refused: bool,
    ) -> bytes:
        headers = {**self._credentials.headers(refused=refused), "Accept": _JSON}
        if data is not None:
            headers["Content-Type"] = content_type
        try:
            async with (
                self._slots,
                self._open.request(
                    method, self._url(path), params=params, data=data, headers=headers, timeout=self._timeout
                ) as answer,
            ):
                raw = await answer.read()
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Unreachable(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status >= 400:
            raise _error(answer, raw)
        return raw


def _error(answer: aiohttp.ClientResponse, raw: bytes) -> KubeError:
    try:
        body = orjson.loads(raw)
    except orjson.JSONDecodeError:
        body = raw[:500].decode("utf-8", "replace")
    return from_status(answer.status, body, answer.headers.get("Retry-After"))
