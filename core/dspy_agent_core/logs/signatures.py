"""Names for groups of like records: the same in every window, file, engine and process."""

from __future__ import annotations

from hashlib import blake2b
from typing import Final

VERSION: Final = "1"


def signature(*parts: object) -> str:
    """Return ``<version>:<16 hex digits>`` of ``parts``; the version changes whenever masks or parts do."""
    text = "\x1f".join(map(str, parts))
    return f"{VERSION}:{blake2b(text.encode('utf-8', 'surrogatepass'), digest_size=8).hexdigest()}"
