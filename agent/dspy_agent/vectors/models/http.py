"""One JSON question to a model server, and one answer: timeouts, few retries, clear errors."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit, urlunsplit

from dspy_agent_core.errors import ModelError

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

_CONNECT_SECONDS: Final = 3.0
_READ_SECONDS: Final = 120.0  # a server may have to load the model first
_TRIES: Final = 3
_PAUSE: Final = 0.5
_LONGEST_PAUSE: Final = 20.0
_MOST_ANSWER: Final = 256 << 20
_MOST_ERROR: Final = 64 << 10
_BUSY: Final = (408, 425, 429, 500, 502, 503, 504)


class RequestRefused(Exception):
    """The server answered with an error: its status, and what it said."""

    def __init__(self, status: int, said: str) -> None:
        super().__init__(f"HTTP {status}: {said}")
        self.status = status
        self.said = said


@dataclass(frozen=True, slots=True)
class Server:
    """A model server; ``start`` is the next step for a user whose server does not answer."""

    name: str
    base: str
    start: str
    key: str = ""

    def __repr__(self) -> str:
        return f"Server({self.name!r}, {self.shown!r})"

    @property
    def shown(self) -> str:
        """The address without a password."""
        try:
            parts = urlsplit(self.base)
        except ValueError:
            return "an address that is none"
        return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))

    def post(self, path: str, question: dict[str, Any]) -> Any:
        """Return the answer to ``question``; a busy server and a cut connection are tried again.

        Raises:
            RequestRefused: it answers with an error that stays.
            ModelError: it can't be reached, does not answer, or not in JSON.
        """
        from urllib3.exceptions import HTTPError

        body = json.dumps(question).encode()
        for left in reversed(range(_TRIES)):
            try:
                response = self._ask(path, body)
            except (HTTPError, OSError, ValueError) as error:
                if not left or not _passing(error):
                    raise self.absent(_why(error)) from None
                pause = _PAUSE
            else:
                if response.status == 200:
                    return self._parse(response.data)
                if not left or response.status not in _BUSY or _too_long(response):
                    raise RequestRefused(response.status, _said(response))
                pause = _pause(response)
            threading.Event().wait(pause)
        raise AssertionError("the last try returns or raises")

    def _ask(self, path: str, body: bytes) -> BaseHTTPResponse:
        import urllib3

        headers = {"Content-Type": "application/json", "Accept": "application/json"}
        if self.key:
            headers["Authorization"] = f"Bearer {self.key}"
        return _pool().request(
            "POST",
            f"{self.base.rstrip('/')}{path}",
            body=body,
            headers=headers,
            timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
            retries=False,
            redirect=False,
        )

    def _parse(self, data: bytes) -> Any:
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self.rubbish() from None

    def absent(self, why: str) -> ModelError:
        """Return the error of a server that can't be asked."""
        return ModelError(
            f"{self.name} at {self.shown} can't be asked for vectors: {why}.",
            code="ModelServerAbsent",
            next=self.start,
        )

    def rubbish(self) -> ModelError:
        """Return the error of an answer that is none."""
        return ModelError(
            f"{self.name} at {self.shown} answers, but not with vectors.",
            code="ModelFailed",
            next="Check the address of the model server: dspy-agent doctor",
        )


def with_scheme(address: str) -> str:
    """Return ``address`` as a URL without an end slash."""
    return (address if "://" in address else f"http://{address}").rstrip("/")


@lru_cache(maxsize=1)
def _pool() -> PoolManager:
    import urllib3

    return urllib3.PoolManager(maxsize=4)


def _passing(error: Exception) -> bool:
    """Return whether trying again may help: not if nothing listens, nor after a long silence."""
    from urllib3.exceptions import NewConnectionError, ProtocolError, TimeoutError

    return isinstance(error, ProtocolError) and not isinstance(error, NewConnectionError | TimeoutError)


def _too_long(response: BaseHTTPResponse) -> bool:
    return says_too_long(_said(response))


def says_too_long(said: str) -> bool:
    """Return whether an error speaks of a text that is too long for the model."""
    words = said.lower()
    return any(word in words for word in ("context length", "too long", "maximum context", "too many tokens"))


def _said(response: BaseHTTPResponse) -> str:
    """Return what the body of an error says, in one short line."""
    try:
        answer = json.loads(response.data[:_MOST_ERROR])
        said = answer.get("error", answer.get("message", ""))
        said = said.get("message", "") if isinstance(said, dict) else said
    except (ValueError, AttributeError, RecursionError):
        said = ""
    return " ".join(str(said).split())[:200]


def _pause(response: BaseHTTPResponse) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", _PAUSE)), 0.0), _LONGEST_PAUSE)
    except ValueError:  # a date: rare, and no better than a pause
        return _PAUSE


def _why(error: Exception) -> str:
    """Name the error without the address, which may hold a password."""
    from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError, TimeoutError

    names: list[tuple[type[Exception], str]] = [
        (NameResolutionError, "its name is not known"),
        (NewConnectionError, "nothing listens there"),
        (ConnectTimeoutError, "no connection in time"),
        (TimeoutError, "no answer in time"),
        (ValueError, "its address is none"),
    ]
    return next((said for kind, said in names if isinstance(error, kind)), "the connection was cut")
