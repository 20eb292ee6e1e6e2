"""Whether something listens where the model server should be: looked up before anything heavy is imported."""

from __future__ import annotations

import socket
from typing import Final
from urllib.parse import urlsplit

_SECONDS: Final = 1.0


def listens(url: str) -> bool:
    """Return whether something listens at ``url``: known within a second, without importing a client."""
    parts = urlsplit(url)
    try:
        port = parts.port or (443 if parts.scheme == "https" else 80)
        with socket.create_connection((parts.hostname or "", port), _SECONDS):
            return True
    except (OSError, ValueError):
        return False
