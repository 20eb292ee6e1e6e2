"""Thoughts that a model writes into its answer, because its server does not tell them apart."""

from __future__ import annotations

import re
from typing import Final

_THOUGHTS: Final = re.compile(r"\s*<think>.*?(?:</think>\s*|\Z)", re.DOTALL)


def without_thoughts(text: str) -> str:
    """Return ``text`` without the thoughts at its beginning.

    >>> without_thoughts("<think>Well.</think> Yes.")
    'Yes.'
    """
    found = _THOUGHTS.match(text)
    return text[found.end() :] if found else text
