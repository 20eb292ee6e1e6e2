"""What an API server can answer besides success, in one tree.

KubeError
├── Rejected           the request itself is refused; trying the same again won't help
│   ├── NotFound       404
│   ├── Forbidden      403 (401 too, once fresh credentials were refused as well)
│   ├── Invalid        400, 422: the object breaks the schema or a CEL rule
│   └── Conflict       409: changed meanwhile, or a precondition on uid or resourceVersion failed
├── Gone               410: the resourceVersion or continue token is too old; list anew
└── Retryable          the server can't answer now
    ├── TooManyRequests  429
    ├── ServerError      5xx
    └── Unreachable      no connection, a reset, a time-out, half an answer
"""

from __future__ import annotations

from typing import Any


class KubeError(Exception):
    """Any unsuccessful request; ``message`` and ``reason`` (CamelCase) are the API server's own."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        reason: str = "",
        retry_after: float | None = None,
        causes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.reason = reason
        self.retry_after = retry_after
        self.causes = causes


class Rejected(KubeError):
    """The request is refused as it stands."""


class NotFound(Rejected):
    """There is no such object, or no such kind."""


class Forbidden(Rejected):
    """RBAC or admission forbids it."""


class Invalid(Rejected):
    """The object breaks its schema."""


class Conflict(Rejected):
    """Somebody else changed the object, or a precondition failed."""


class Gone(KubeError):
    """The resourceVersion or continue token is too old."""


class Retryable(KubeError):
    """The server can't answer now; ``retry_after`` (seconds) is its own wish, if it has one."""


class TooManyRequests(Retryable):
    """The server is asked too much."""


class ServerError(Retryable):
    """The server failed."""


class Unreachable(Retryable):
    """The server could not be reached, or its answer broke off."""


_BY_STATUS: dict[int, type[KubeError]] = {
    400: Invalid,
    401: Forbidden,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def from_status(status: int, body: Any, retry_after: str | None = None) -> KubeError:
    """Return the error for an HTTP status and the ``Status`` object (or anything) that came with it."""
    answer = body if isinstance(body, dict) else {}
    details = answer.get("details") or {}
    seconds = retry_after if retry_after and retry_after.isdigit() else details.get("retryAfterSeconds")
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else Rejected)
    return kind(
        str(answer.get("message") or body or f"HTTP {status}")[:1000],
        status=status,
        reason=str(answer.get("reason") or ""),
        retry_after=float(seconds) if seconds is not None else None,
        causes=tuple(str(cause.get("reason", "")) for cause in details.get("causes") or ()),
    )
