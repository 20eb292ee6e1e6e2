"""Credentials of the API server: kopf's own logins, asked again so that a rotated token is picked up."""

from __future__ import annotations

import logging
import ssl
import time
from typing import Final, Protocol

import kopf

REFRESH_SECONDS: Final = 60.0
_LOGGER: Final = logging.getLogger(__name__)


class Credentials(Protocol):
    """What the client needs: where the server is, and how to be let in now."""

    server: str

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Return the context for https, or False where nothing is verified."""
        ...

    def headers(self, *, refused: bool = False) -> dict[str, str]:
        """Return the Authorization header; ``refused``: the last one got a 401, look again."""
        ...


class KopfCredentials:
    """The pod's service account, else the kubeconfig.

    Raises:
        kopf.LoginError: neither is there.
    """

    def __init__(self) -> None:
        self._info = _login()
        self._read_at = time.monotonic()
        self.server = self._info.server.rstrip("/")

    @property
    def info(self) -> kopf.ConnectionInfo:
        """The latest login, for kopf itself."""
        return self._info

    def refresh(self) -> kopf.ConnectionInfo:
        """Log in anew and return the result."""
        self._info = _login()
        self._read_at = time.monotonic()
        return self._info

    def ssl_context(self) -> ssl.SSLContext | bool:
        """Return the context for https."""
        return self._info.as_ssl_context() if self.server.startswith("https") else False

    def headers(self, *, refused: bool = False) -> dict[str, str]:
        """Return the Authorization header, at most a minute old."""
        if refused or time.monotonic() - self._read_at > REFRESH_SECONDS:
            self.refresh()
        return self._info.as_http_headers()


def _login() -> kopf.ConnectionInfo:
    settings = kopf.OperatorSettings()
    info = kopf.login_with_service_account(logger=_LOGGER, settings=settings)
    info = info or kopf.login_with_kubeconfig(logger=_LOGGER, settings=settings)
    if info is None:
        raise kopf.LoginError(
            "There is neither a service account nor a kubeconfig (KUBECONFIG) to log in with."
        )
    return info
