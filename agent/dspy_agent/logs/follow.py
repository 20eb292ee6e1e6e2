"""Follows logs: what is there first, then what comes from files, standard input and the router."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Final

from dspy_agent.logs.batches import Batches
from dspy_agent.logs.find import STDIN, Found
from dspy_agent.logs.gather import Gathering, shown_path
from dspy_agent.logs.live import InputTail, RouterTail, reader_is_gone
from dspy_agent.logs.plan import Plan
from dspy_agent.logs.remote import RouterDown
from dspy_agent.logs.tail import Tails
from dspy_agent.logs.totals import Totals
from dspy_agent_core.contracts.results import LogContext
from dspy_agent_core.errors import WorkspaceError

_EVERY_SECONDS: Final = 0.1
_ROUTER_SECONDS: Final = 2.5


class Following:
    """One run of ``ctx --follow``.

    Args:
        plan: what to show.
        found: the local logs of now.
    """

    def __init__(self, plan: Plan, found: Found) -> None:
        self._plan = plan
        self._found = replace(found, files=tuple(path for path in found.files if path != STDIN))
        self._batches = Batches(plan.options, plan.resolve)
        self._input = InputTail(sys.stdin.fileno()) if STDIN in found.files else None
        self._only_input = found.files == (STDIN,) and plan.router is None
        self._totals = Totals(began=self._only_input)
        self._tails: Tails | None = None
        self._router = RouterTail(plan.router, plan.apps) if plan.router else None

    def close(self) -> None:
        """Close the files, and ask no more."""
        if self._tails is not None:
            self._tails.close()
        if self._router is not None:
            self._router.close()

    def results(self) -> Iterator[LogContext]:
        """Yield what is there, and then what comes, each with its events oldest first.

        Raises:
            BrokenPipeError: nobody reads standard output any more.
        """
        told = False
        if not self._only_input:
            yield self._what_is_there()
        while not (self._only_input and self._input is not None and self._input.ended):
            for batch in (*self._lines(), *self._contexts()):
                if (result := self._totals.add(batch, time.monotonic())) is not None:
                    told = True
                    yield result
            if (result := self._totals.due(time.monotonic())) is not None:
                told = True
                yield result
            if reader_is_gone(sys.stdout.fileno()):
                raise BrokenPipeError
        now = time.monotonic()
        last = self._totals.add(self._batches.end(), now) or self._totals.rest(now)
        if last.events or not told:
            yield replace(last, files=[str(STDIN)])

    def _what_is_there(self) -> LogContext:
        started = time.monotonic()

        def take(text: str, source: str, at: float, offset: int) -> None:
            self._batches.take(text, source, at, offset, started)  # as if at once: no batch ends

        gathering = Gathering(
            self._plan.workspace, take, self._plan.options.since, self._plan.everything, whole=True
        )
        gathering.files(self._found)
        self._batches.touch(time.monotonic())
        self._tails = Tails(self._look, gathering.ends)
        self._tails.begin()
        local = next(self._lines_until_quiet(), None) or self._batches.end()
        local = replace(local, files=gathering.read, unread=gathering.unread or None)
        if self._router is not None:
            answer = self._router.first(_ROUTER_SECONDS) or RouterDown("no answer yet")
            local = self._plan.joined(local, answer, gathering.times)
        now = time.monotonic()
        return self._totals.add(local, now) or self._totals.rest(now)

    def _look(self) -> Iterable[Path]:
        """Return the log files of now; a named one may be away while it is rotated."""
        try:
            return [path for path in self._plan.find().files if path != STDIN]
        except WorkspaceError:
            return []

    def _lines_until_quiet(self) -> Iterator[LogContext]:
        while self._batches.is_open:
            yield from self._lines()

    def _lines(self) -> Iterator[LogContext]:
        """Wait a moment, read what has come, and yield the batches that ended."""
        if self._input is not None and not self._input.ended:
            for offset, text in self._input.poll(_EVERY_SECONDS):
                yield from self._take(text, str(STDIN), offset)
        else:
            time.sleep(_EVERY_SECONDS)
        if self._tails is not None:
            for path, offset, text in self._tails.poll():
                yield from self._take(text, shown_path(path, self._plan.workspace), offset)
        if (batch := self._batches.ended(time.monotonic())) is not None:
            yield batch

    def _take(self, text: str, source: str, offset: int) -> Iterator[LogContext]:
        batch = self._batches.take(text, source, time.time(), offset, time.monotonic())
        if batch is not None:
            yield batch

    def _contexts(self) -> Iterator[LogContext]:
        for answer in self._router.poll() if self._router is not None else ():
            if isinstance(answer, RouterDown) or not isinstance(answer, Exception):
                yield self._plan.joined(LogContext(), answer, {})
