"""Asks again where that can help: a busy server, a broken connection before the first byte."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Final, TypeVar

from dspy_agent.model.errors import TransientModelError

_FIRST_WAIT: Final = 0.5
_MOST_WAIT: Final = 60.0

T = TypeVar("T")


def attempts(ask: Callable[[], T], retries: int, until: float = math.inf) -> T:
    """Return what ``ask`` returns, trying again at most ``retries`` times, and not later than ``until``.

    A server that asks for a longer wait than anybody would sit through is not asked again.
    """
    for attempt in range(retries):
        try:
            return ask()
        except TransientModelError as error:
            wait = _FIRST_WAIT * 2**attempt if error.after is None else error.after
            if wait > _MOST_WAIT or time.monotonic() + wait > until:
                raise
            time.sleep(max(0.0, wait))
    return ask()
