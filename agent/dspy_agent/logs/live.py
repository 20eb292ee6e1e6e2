"""What comes while logs are followed, beside files: standard input, and contexts from the router."""

from __future__ import annotations

import os
import queue
import select
import threading
import time
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from dspy_agent.logs.lines import OffsetLines
from dspy_agent.logs.remote import Contexts, RouterClient, RouterDown
from dspy_agent_core.errors import WorkspaceError

if TYPE_CHECKING:
    from dspy_agent_core.contracts.messages import Context

_AT_ONCE: Final = 1 << 20
_WAIT_SECONDS: Final = 20.0
_RETRY_SECONDS: Final = (1.0, 2.0, 5.0, 10.0)
_BUSY_SECONDS: Final = 1.0  # an empty answer before that: the router lets nobody wait just now
_REMEMBERED: Final = 5000


def reader_is_gone(descriptor: int) -> bool:
    """Return whether nobody reads any more what is written to ``descriptor``."""
    asked = select.poll()
    asked.register(descriptor, 0)
    return any(flags & (select.POLLERR | select.POLLHUP) for _, flags in asked.poll(0))


class InputTail:
    """Lines of standard input as they come. ``ended`` is true once it has ended."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines = OffsetLines()
        self.ended = False

    def poll(self, seconds: float) -> Iterator[tuple[int, str]]:
        """Wait so long for lines and yield (offset, line) of those that are there."""
        if not select.select([self._descriptor], [], [], seconds)[0]:
            return
        data = os.read(self._descriptor, _AT_ONCE)
        self.ended = not data
        yield from self._lines.feed(data) if data else self._lines.rest()


class RouterTail:
    """Contexts as the router gets them, asked for by a thread."""

    def __init__(self, client: RouterClient, apps: Sequence[str]) -> None:
        self._client, self._apps = client, apps
        self._answers: queue.SimpleQueue[Contexts | Exception] = queue.SimpleQueue()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._stop = threading.Event()
        threading.Thread(target=self._ask, name="router", daemon=True).start()

    def poll(self) -> Iterator[Contexts | Exception]:
        """Yield the answers that have come; an error once, until there is an answer again."""
        while True:
            try:
                yield self._answers.get_nowait()
            except queue.Empty:
                return

    def first(self, seconds: float) -> Contexts | Exception | None:
        """Return the first answer, if it comes in time."""
        try:
            return self._answers.get(timeout=seconds)
        except queue.Empty:
            return None

    def close(self) -> None:
        """Ask no more."""
        self._stop.set()

    def _ask(self) -> None:
        cursor: str | None = None
        trouble: str | None = None
        failed = 0
        while not self._stop.is_set():
            asked = time.monotonic()
            try:
                answer = self._client.contexts(self._apps, cursor, _WAIT_SECONDS if cursor else 0.0)
            except (RouterDown, WorkspaceError) as error:
                if not failed:
                    self._answers.put(error)
                self._stop.wait(_RETRY_SECONDS[min(failed, len(_RETRY_SECONDS) - 1)])
                failed += 1
                continue
            new = tuple(context for context in answer.contexts if self._is_new(context))
            if new or failed or cursor is None or answer.trouble not in (None, trouble):
                known = answer.trouble if answer.trouble != trouble else None
                unknown = answer.unknown if cursor is None else ()  # told once
                self._answers.put(replace(answer, contexts=new, trouble=known, unknown=unknown))
            failed, cursor, trouble = 0, answer.cursor, answer.trouble
            if not answer.contexts and time.monotonic() - asked < _BUSY_SECONDS:
                self._stop.wait(_BUSY_SECONDS)

    def _is_new(self, context: Context) -> bool:
        """Return whether the context did not come before: another router shows the same ones again."""
        key = context.id, context.window.end
        if key in self._known:
            return False
        self._known[key] = None
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return True
