"""The work queue: one key at a time, deduplicated, delayed, with backoff.

Like client-go's: a key that is added while it is worked on is worked on once more afterwards. One thing
is its own: an event that only shows a write of this very operator adds nothing. Such an event may arrive
before the write's answer does, so what a busy key's events showed is kept until the key is done.
Another: a second look that was asked for by the clock waits while keys with news are due, but not for ever.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

REMEMBERED_WRITES: Final = 20_000
PATIENCE_SECONDS: Final = 120.0  # a second look that is overdue by so much goes first

Version = tuple[str, str]  # uid, resourceVersion


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """What a reconcile is about: ``kind`` is the plural of a resource of ours."""

    kind: str
    namespace: str
    name: str

    def log_fields(self) -> dict[str, str]:
        """Return the ``extra`` of a log record about this resource."""
        return {"kind": self.kind, "namespace": self.namespace, "resource": self.name}


@dataclass(slots=True)
class _Entry:
    due: float | None = None  # None: not scheduled
    news: bool = False  # scheduled for an event or a retry, not for a second look
    turn: int = 0  # tells a heap entry that was rescheduled from the valid one
    busy: bool = False
    forced: bool = False  # again once done, whatever was written
    seen: set[Version] = field(default_factory=set)  # versions that events showed while busy
    failures: int = 0
    not_before: float = 0.0  # the server asked to be left alone until then


class QueueClosed(Exception):
    """No key is handed out any more."""


class WorkQueue:
    """Keys in the order in which they are due.

    Args:
        clock: seconds, monotonic.
        base: seconds of the first backoff; it doubles with each failure.
        cap: longest backoff in seconds.
        rng: source of the jitter.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        *,
        base: float = 0.2,
        cap: float = 30.0,
        rng: random.Random | None = None,
    ) -> None:
        self._clock = clock
        self._base = base
        self._cap = cap
        self._rng = rng or random.Random()  # noqa: S311  jitter, no secret
        self._entries: dict[Key, _Entry] = {}
        self._news: list[tuple[float, int, Key]] = []  # heaps
        self._looks: list[tuple[float, int, Key]] = []
        self._turns = itertools.count(1)
        self._own: OrderedDict[Version, None] = OrderedDict()
        self._waiters: set[asyncio.Future[None]] = set()
        self._closed = False

    def __len__(self) -> int:
        """Keys that wait for their turn and are due now, or are worked on."""
        now = self._clock()
        return sum(1 for entry in self._entries.values() if entry.busy or (entry.due or now + 1) <= now)

    def add(self, key: Key, *, shown: Version | None = None) -> None:
        """Queue ``key`` now; ``shown``: because an event showed this version of an object."""
        entry = self._entries.setdefault(key, _Entry())
        if shown is not None and shown in self._own:
            del self._own[shown]
            self._forget(key, entry)
        elif not entry.busy:
            self._schedule(key, entry, self._clock())
        elif shown is None:
            entry.forced = True
        else:
            entry.seen.add(shown)

    def add_after(self, key: Key, seconds: float) -> None:
        """Queue ``key`` for a second look; the earlier of two dates counts."""
        entry = self._entries.setdefault(key, _Entry())
        self._schedule(key, entry, self._clock() + seconds, self._looks)

    def close(self) -> None:
        """Hand out no further key."""
        self._closed = True
        self._wake()

    async def get(self) -> Key:
        """Wait for the next due key; it is busy until `done` or `failed`. Raises QueueClosed."""
        while not self._closed:
            key = self._due_now()
            if key is not None:
                return key
            tops = [heap[0][0] for heap in (self._news, self._looks) if heap]
            timeout = max(0.0, min(tops) - self._clock()) if tops else None
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.add(waiter)
            try:
                async with asyncio.timeout(timeout):  # wait_for would lose a cancellation beside a result
                    await waiter
            except TimeoutError:
                continue
            finally:
                self._waiters.discard(waiter)
        raise QueueClosed

    def done(self, key: Key, *, wrote: Iterable[Version] = (), after: float | None = None) -> None:
        """End the work on ``key``: it wrote these versions, and wants to run again ``after`` seconds."""
        entry = self._entries[key]
        entry.failures = 0
        self._settle(key, entry, wrote)
        if after is not None and entry.due is None:
            self._schedule(key, entry, self._clock() + after, self._looks)
        self._forget(key, entry)

    def failed(self, key: Key, *, wrote: Iterable[Version] = (), retry_after: float | None = None) -> float:
        """End the work on ``key`` with a failure; return the seconds until it runs again.

        Never sooner than ``retry_after``, however many events come meanwhile.
        """
        entry = self._entries[key]
        entry.failures += 1
        self._settle(key, entry, wrote)
        delay: float = min(self._cap, self._base * 2.0 ** min(entry.failures - 1, 20))
        delay = delay * self._rng.uniform(0.5, 1.0) + (retry_after or 0.0)
        if retry_after is not None:
            entry.not_before = self._clock() + retry_after
        entry.due = None
        self._schedule(key, entry, self._clock() + delay)
        return delay

    def _settle(self, key: Key, entry: _Entry, wrote: Iterable[Version]) -> None:
        entry.busy = False
        for version in wrote:
            if version in entry.seen:
                entry.seen.discard(version)
            else:
                self._own[version] = None
        while len(self._own) > REMEMBERED_WRITES:
            self._own.popitem(last=False)
        if entry.forced or entry.seen:
            self._schedule(key, entry, self._clock())
        entry.forced = False
        entry.seen.clear()

    def _schedule(
        self, key: Key, entry: _Entry, due: float, heap: list[tuple[float, int, Key]] | None = None
    ) -> None:
        heap = self._news if heap is None else heap
        due = max(due, entry.not_before)
        if entry.due is not None and entry.due <= due and (entry.news or heap is self._looks):
            return
        entry.news = heap is self._news
        entry.due = due
        entry.turn = next(self._turns)
        heapq.heappush(heap, (due, entry.turn, key))
        self._wake()

    def _wake(self) -> None:
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _due_now(self) -> Key | None:
        now = self._clock()
        return (
            self._pop(self._looks, now - PATIENCE_SECONDS)
            or self._pop(self._news, now)
            or self._pop(self._looks, now)
        )

    def _pop(self, heap: list[tuple[float, int, Key]], now: float) -> Key | None:
        while heap and heap[0][0] <= now:
            _, turn, key = heapq.heappop(heap)
            entry = self._entries.get(key)
            if entry is None or entry.turn != turn:
                continue
            entry.due = None
            if entry.busy:
                entry.forced = True
                continue
            entry.busy = True
            return key
        return None

    def _forget(self, key: Key, entry: _Entry) -> None:
        if not entry.busy and entry.due is None and not entry.failures:
            self._entries.pop(key, None)
