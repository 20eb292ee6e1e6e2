"""Masks what varies between like messages, so that they group."""

from __future__ import annotations

import re

_VARIABLE = re.compile(
    r"""
      [0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}
    | \d{4}-\d\d-\d\d[T\ ]\d\d:\d\d:\d\d\S*
    | \b(?:\d{1,3}\.){3}\d{1,3}(?::\d+)?\b
    | \b0x[0-9a-fA-F]+\b
    | \b(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,}\b
    | (?<![A-Za-z])[-+]?\d+(?:[.,:]\d+)*
    """,
    re.VERBOSE,
)


def mask(message: str) -> str:
    """Return ``message`` with times, addresses, identifiers and numbers replaced by ``<*>``."""
    return _VARIABLE.sub("<*>", message[:2000])
