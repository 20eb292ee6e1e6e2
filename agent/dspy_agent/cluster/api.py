"""Requests to one API server, over the official client's transport, with errors in plain words."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from dspy_agent.cluster.credentials import Credentials
from dspy_agent.cluster.errors import Target, from_response, unreachable
from dspy_agent.cluster.kubeconfig import Access
from dspy_agent.cluster.official import load
from dspy_agent_core.contracts.cluster import VERSION

CONNECT_SECONDS = 10.0
READ_SECONDS = 30.0
_TRIES = 4
_TRANSIENT = (429, 500, 502, 503, 504)
_MERGE_PATCH = "application/merge-patch+json"


class Api:
    """One API server with one set of credentials; safe to use from several threads."""

    def __init__(self, access: Access, credentials: Credentials) -> None:
        self.access = access
        self._credentials = credentials
        self._start()

    def _start(self) -> None:
        self._configuration = self._credentials.configuration()
        self._rest = load("client.rest").RESTClientObject(self._configuration)

    def get(self, target: Target, *, accept: str = "application/json", **query: str) -> dict[str, Any]:
        """Return the object or the list that ``target`` names."""
        return self._json("GET", target, query, accept=accept)

    def patch(self, target: Target, change: dict[str, Any]) -> dict[str, Any]:
        """Merge ``change`` into the object and return what came of it."""
        return self._json("PATCH", target, {}, body=change)

    def lines(self, target: Target, **query: str) -> Iterator[bytes]:
        """Yield the body of a GET as it comes, in pieces of up to 64 KiB that end anywhere."""
        response = self._send("GET", target, query, read_seconds=None)
        try:
            while piece := response.response.read1(65536):
                yield piece
        except self._network_errors() as error:
            raise unreachable(self.access.server, error) from error
        finally:
            response.response.close()

    def websocket(self, target: Target, query: Iterable[tuple[str, str]]) -> Any:
        """Open a websocket to a pod's subresource; return the official client's, its handshake done."""
        import websocket

        ws_client = load("stream.ws_client")
        url = ws_client.get_websocket_url(f"{self.access.server}{path_of(target)}?{urlencode(list(query))}")
        websocket.setdefaulttimeout(READ_SECONDS)
        for attempt in range(2):
            try:
                return ws_client.create_websocket(self._configuration, url, self._credentials.headers())
            except websocket.WebSocketBadStatusException as error:
                if error.status_code == 401 and attempt == 0 and self._renew():
                    continue
                body = error.resp_body or b""
                raise from_response(target, error.status_code, body, self.access.server) from error
            except (OSError, websocket.WebSocketException) as error:
                raise unreachable(self.access.server, error) from error
        raise AssertionError("two attempts end in a return or an error")

    def _json(
        self,
        method: str,
        target: Target,
        query: dict[str, str],
        *,
        accept: str = "application/json",
        body: Any = None,
    ) -> dict[str, Any]:
        response = self._send(method, target, query, accept=accept, body=body, read_seconds=READ_SECONDS)
        data = json.loads(response.read())
        return data if isinstance(data, dict) else {}

    def _send(
        self,
        method: str,
        target: Target,
        query: dict[str, str],
        *,
        accept: str = "application/json",
        body: Any = None,
        read_seconds: float | None,
    ) -> Any:
        url = f"{self.access.server}{path_of(target)}" + (f"?{urlencode(query)}" if query else "")
        renewed = False
        for attempt in range(1, _TRIES + 1):
            headers = {"accept": accept, **self._credentials.headers()}
            if body is not None:
                headers["Content-Type"] = _MERGE_PATCH
            try:
                response = self._rest.request(
                    method, url, headers=headers, body=body, _request_timeout=(CONNECT_SECONDS, read_seconds)
                )
                if response.status < 400:
                    return response
                content = response.read()
            except self._network_errors() as error:
                raise unreachable(self.access.server, error) from error
            if response.status == 401 and not renewed and self._renew():
                renewed = True
            elif response.status in _TRANSIENT and attempt < _TRIES:
                time.sleep(_delay(response.headers.get("Retry-After"), attempt))
            else:
                raise from_response(target, response.status, content, self.access.server)
        raise AssertionError("the last attempt ends in a return or an error")

    def _renew(self) -> bool:
        if not self._credentials.refresh():
            return False
        self._start()
        return True

    def _network_errors(self) -> tuple[type[Exception], ...]:
        import urllib3

        return (urllib3.exceptions.HTTPError, load("client.exceptions").ApiException, OSError, ValueError)


@contextmanager
def open_api(access: Access) -> Iterator[Api]:
    """Give an ``Api``; keys that had to be written to files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="dspy-agent-") as folder:
        yield Api(access, Credentials(access, Path(folder)))


def path_of(target: Target) -> str:
    """Return the URL path of ``target``; a resource ``pods/exec`` puts the name between its parts."""
    resource, _, subresource = target.resource.partition("/")
    parts = ["apis", target.group, VERSION] if target.group else ["api", "v1"]
    if target.namespace:
        parts += ["namespaces", target.namespace]
    parts.append(resource)
    if target.name:
        parts.append(target.name)
    if subresource:
        parts.append(subresource)
    return "/" + "/".join(quote(part, safe="") for part in parts)


def _delay(retry_after: str | None, attempt: int) -> float:
    try:
        return min(float(retry_after or ""), 10.0)
    except ValueError:
        return 0.25 * 2.0**attempt
