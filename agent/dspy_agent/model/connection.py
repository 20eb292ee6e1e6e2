"""One exchange with a model server: how long it is waited for, how much is read, and what went wrong.

A connection serves one question and is closed with it: a server notices at once that nobody listens any
more, and stops. Redirects are not followed, and a server on this machine is reached without a proxy.
"""

from __future__ import annotations

import math
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from dspy_agent.model import errors
from dspy_agent.model.settings import ModelSettings
from dspy_agent_core.errors import AgentError

_CONNECT_SECONDS: Final = 5.0
_BYTES: Final = 1 << 18
_BYTES_A_TOKEN: Final = 1 << 11  # a token comes in a JSON object of its own


class Connection:
    """The limits of one exchange, and its errors.

    Args:
        settings: of the model.
        patience: seconds until the first byte; after it, the settings' timeout counts for each one.
        answer_tokens: that are asked for: much more is not read.
        late: the first byte says nothing of the answer; so patience is had for all of them.
        until: nothing is read any more from then on, by the monotonic clock.
    """

    def __init__(
        self,
        settings: ModelSettings,
        patience: float,
        answer_tokens: int = 0,
        *,
        late: bool = False,
        until: float = math.inf,
    ) -> None:
        self.settings = settings
        self._patience = patience
        self._later = patience if late else settings.timeout
        self._most_bytes = _BYTES + _BYTES_A_TOKEN * answer_tokens
        self._until = until
        self.retry_after: float | None = None

    def options(self) -> dict[str, Any]:
        """Return what an ``httpx.Client`` is made with."""
        return {
            "follow_redirects": False,
            "verify": _tls(urlsplit(self.settings.url).scheme == "https"),
            "timeout": httpx.Timeout(self._patience, connect=_CONNECT_SECONDS),
            "trust_env": not self.settings.on_this_machine,
            "event_hooks": {"response": [self._answered]},
        }

    def error(self, error: Exception, *, begun: bool) -> Exception:
        """Return ``error`` as one of the agent's. ``begun``: some of the answer has come."""
        settings = self.settings
        match error:
            case AgentError():
                return error
            case httpx.ConnectError() | httpx.ConnectTimeout():
                return errors.unreachable(settings)
            case httpx.TimeoutException():
                return errors.timed_out(settings, self._later if begun else self._patience)
            case httpx.TransportError() if begun:
                return errors.cut(settings)
            case httpx.TransportError():
                return errors.broken(settings)
            case ValueError() | TypeError() | AttributeError() | LookupError() | httpx.HTTPError():
                return errors.unusable(settings.name, f"the server does not speak {_SPOKEN[settings.server]}")
        return error

    def _answered(self, response: httpx.Response) -> None:
        """From here on bytes come, or something is wrong."""
        left = max(0.0, self._until - time.monotonic())
        response.request.extensions["timeout"]["read"] = min(self._later, left)
        with suppress(KeyError, ValueError):
            self.retry_after = float(response.headers["retry-after"])
        response.stream = _Bounded(response.stream, self._most_bytes, self.settings, self._until)


@cache
def _tls(needed: bool) -> ssl.SSLContext:
    """Return what certificates are checked with, made once: reading the known authorities takes 0.1 s."""
    return httpx.create_ssl_context() if needed else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


_SPOKEN: Final = {"ollama": "Ollama's API", "openai": "OpenAI's API"}


class _Bounded(httpx.SyncByteStream):
    """Reads on until there is too much, even if no line ever ends, or it takes too long."""

    def __init__(self, stream: Any, most_bytes: int, settings: ModelSettings, until: float) -> None:
        self._stream = stream
        self._left = most_bytes
        self._settings = settings
        self._until = until

    def __iter__(self) -> Iterator[bytes]:
        for data in self._stream:
            self._left -= len(data)
            if self._left < 0:
                raise errors.unusable(self._settings.name, "it does not end")
            if time.monotonic() > self._until:
                raise errors.OutOfTime
            yield data

    def close(self) -> None:
        """Close the connection."""
        self._stream.close()
