"""What checks say of addresses and errors."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


def redacted(url: str) -> str:
    """Return ``url`` without user, password and query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def why(error: BaseException) -> str:
    """Return in a few words why a server did not answer."""
    if isinstance(error, TimeoutError) or "timed out" in str(error):
        return "no answer within 1 s"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error).partition("\n")[0][:200] or type(error).__name__
