"""What the router keeps of each app: the recent contexts and the last result, in bounded memory."""

from __future__ import annotations

import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from dspy_agent_core.contracts.messages import Context, Result

MAX_CONTEXTS: Final = 1000
_MAX_BYTES: Final = 256 << 20
_MAX_BYTES_OF_APP: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class Kept:
    """A context as its record's ``value`` has it; ``number`` counts what the store has taken."""

    number: int
    value: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """Contexts in the order in which they came; ``cursor`` asks for those that come after them."""

    contexts: tuple[bytes, ...]
    cursor: str


@dataclass(frozen=True, slots=True)
class AppState:
    """What is known of an app: what is kept, and what came since the start."""

    contexts: int
    bytes: int
    windows: int
    lines: int
    events: int
    last_window: str | None


@dataclass(slots=True)
class _App:
    contexts: OrderedDict[str, Kept] = field(default_factory=OrderedDict)
    size: int = 0
    windows: int = 0
    lines: int = 0
    events: int = 0
    last_window: str | None = None
    result: bytes | None = None
    result_ts: str = ""


class RouterStore:
    """The view of all apps; safe to use from several threads.

    Args:
        apps: the apps that are served.
        max_contexts: keep so many contexts of each app, as far as its share of the memory holds them.
    """

    def __init__(self, apps: Iterable[str], max_contexts: int = MAX_CONTEXTS) -> None:
        self._apps = {app: _App() for app in apps}
        self._max_contexts = max_contexts
        self._max_bytes = min(_MAX_BYTES_OF_APP, _MAX_BYTES // max(1, len(self._apps)))
        self._number = 0
        self._life = secrets.token_hex(4)  # a cursor of a life before is one of another order
        self._changed = threading.Condition()

    @property
    def apps(self) -> tuple[str, ...]:
        """The apps that are served."""
        return tuple(self._apps)

    def add_context(self, context: Context, value: bytes) -> bool:
        """Keep ``context``, whose record's value is ``value``; return whether it is new.

        A replay brings the same id and the same bytes again. Other bytes under a known id come from a
        topic that was made anew: they take the place of the old ones.
        """
        with self._changed:
            state = self._apps[context.app]
            known = state.contexts.get(context.id)
            if known is not None:
                if known.value == value:
                    return False
                state.size -= len(state.contexts.pop(context.id).value)
            self._number += 1
            state.contexts[context.id] = Kept(self._number, value)
            state.size += len(value)
            while len(state.contexts) > self._max_contexts or state.size > self._max_bytes:
                state.size -= len(state.contexts.popitem(last=False)[1].value)
            state.windows += 1
            state.lines += context.lines_read
            state.events += len(context.events)
            state.last_window = max(state.last_window or "", context.window.end)
            self._changed.notify_all()
            return True

    def add_result(self, result: Result, value: bytes) -> None:
        """Keep ``result`` if no newer one of its app is known."""
        with self._changed:
            state = self._apps[result.app]
            if result.ts >= state.result_ts:
                state.result, state.result_ts = value, result.ts

    def contexts(
        self,
        apps: Collection[str],
        after: str | None,
        limit: int,
        wait: float = 0.0,
        max_bytes: int = _MAX_BYTES_OF_APP,
    ) -> Page:
        """Return contexts of ``apps``: the last ``limit`` ones, or the first ones past the cursor ``after``.

        At least one, however large; no more than ``max_bytes`` otherwise. If there is none past
        ``after``, wait up to ``wait`` seconds for one. A cursor of another life starts anew.
        """
        deadline = time.monotonic() + wait
        with self._changed:
            start = self._start(after)
            while True:
                found = self._after(apps, start or 0)
                left = deadline - time.monotonic()
                if found or start is None or left <= 0:
                    break
                self._changed.wait(left)
            if start is None:
                page = _within(found[-limit:][::-1], max_bytes)[::-1]
            else:
                page = _within(found[:limit], max_bytes)
            goes_on = start is not None and len(page) < len(found)
            last = page[-1].number if goes_on else self._number
            return Page(tuple(kept.value for kept in page), f"{self._life}-{last}")

    def results(self, apps: Collection[str]) -> list[bytes]:
        """Return the last result of each of ``apps`` that has one."""
        with self._changed:
            return [result for app in apps if (result := self._apps[app].result) is not None]

    def state(self, app: str) -> AppState:
        """Return what is known of ``app``."""
        with self._changed:
            of = self._apps[app]
            return AppState(len(of.contexts), of.size, of.windows, of.lines, of.events, of.last_window)

    def _start(self, after: str | None) -> int | None:
        life, _, number = (after or "").partition("-")
        return int(number) if life == self._life and number.isdecimal() else None

    def _after(self, apps: Collection[str], number: int) -> list[Kept]:
        found: list[Kept] = []
        for app in apps:
            for kept in reversed(self._apps[app].contexts.values()):
                if kept.number <= number:
                    break
                found.append(kept)
        return sorted(found, key=lambda kept: kept.number)


def _within(found: list[Kept], max_bytes: int) -> list[Kept]:
    size = 0
    for place, kept in enumerate(found):
        size += len(kept.value)
        if size > max_bytes and place:
            return found[:place]
    return found
