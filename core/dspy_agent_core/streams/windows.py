"""Cuts a partition of log lines into windows and reduces each to a context.

Where a window ends depends on its records alone (their offsets, broker times and texts), so the light
consumer and the Spark job, and each of them after a restart, make the same contexts. The one exception is
an end that silence decides (``advance``, ``cut``): who decides it has to remember it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Final

from dspy_agent_core.contracts.messages import Context, Window
from dspy_agent_core.contracts.results import Hidden
from dspy_agent_core.logs import Baseline, Reducer, ReducerOptions, readable
from dspy_agent_core.logs.levels import ERROR, WARNING, sounds_like
from dspy_agent_core.logs.lines import Line, parse_line
from dspy_agent_core.streams.shorten import shorten

_DEAD_LETTER: Final = "dead-letter"
_LAST_TIME: Final = 253_402_300_799_999  # the end of the year 9999, the last that a datetime can have


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """When a window ends. Times in milliseconds of the broker's clock.

    Args:
        hold: after its first line of level warning or above.
        longest: after its first line, if there is no such line.
        gap: a source that was silent for so long has ended its last record, unless that surely goes on.
        grace: a record that goes on is cut so long after the window should have ended.
        max_lines: the window should end after so many lines, and is cut after twice as many.
        max_bytes: it is cut at this size.
    """

    hold: int = 30
    longest: int = 10_000
    gap: int = 25
    grace: int = 1000
    max_lines: int = 5000
    max_bytes: int = 8 << 20


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record of a raw topic.

    Args:
        offset: its offset in the partition.
        time: its time at the broker, milliseconds since the epoch.
        line: the log line; None for a record that goes to the dead letters.
        source: what wrote it; lines of one source follow each other.
        at: epoch seconds at which it was written, where the shipper tells; dates lines that have no time.
    """

    offset: int
    time: int
    line: str | None
    source: str = ""
    at: float | None = None


@dataclass(slots=True)
class _Open:
    """The window that is being filled. ``deadline`` and ``now`` are times of its own clock."""

    reducer: Reducer
    first: RawRecord
    deadline: int
    now: int
    # The window's clock less the records' times: not 0 once a broker's clock was set back.
    ahead: int = 0
    alarm: int | None = None  # the time of the first line of level warning or above
    last: RawRecord | None = None
    lines: int = 0
    bytes: int = 0
    dead: int = 0
    # When the last line of each source came.
    seen: dict[str, int] = field(default_factory=dict)
    # The same of those whose last line may go on in the next one, in the order of their times.
    unsettled: dict[str, int] = field(default_factory=dict)
    # Those whose last line surely goes on: a traceback without its exception.
    endless: set[str] = field(default_factory=set)


class PartitionWindows:
    """Turns the records of one partition, in the order of their offsets, into contexts.

    Args:
        app: the app whose lines these are.
        partition: the number of the partition.
        windows: when a window ends.
        options: what the reducer keeps.
        baseline: the counts of the window before; None if it is not known.
    """

    def __init__(
        self,
        app: str,
        partition: int,
        windows: WindowOptions | None = None,
        options: ReducerOptions | None = None,
        baseline: Baseline | None = None,
    ) -> None:
        self._app = app
        self._partition = partition
        self._windows = windows or WindowOptions()
        self._options = options or ReducerOptions()
        self._baseline = baseline
        self._open: _Open | None = None

    @property
    def baseline(self) -> Baseline | None:
        """The counts of the last closed window."""
        return self._baseline

    @property
    def first_offset(self) -> int | None:
        """The first offset of the open window; None between two windows."""
        return self._open.first.offset if self._open else None

    @property
    def last_offset(self) -> int | None:
        """The last offset of the open window; None between two windows."""
        return self._open.last.offset if self._open and self._open.last else None

    @property
    def alarm(self) -> int | None:
        """The time of the first line of level warning or above in the open window."""
        return self._open.alarm if self._open else None

    @property
    def due(self) -> int | None:
        """The broker time at which ``advance`` closes the open window; None between two windows.

        A record with that time, or a later one, ends the window too.
        """
        window = self._open
        if window is None:
            return None
        latest = window.deadline + self._windows.grace
        silent = latest if window.endless else max(window.deadline, window.now + self._windows.gap)
        return min(silent, latest) - window.ahead

    def rebuild(self, records: Iterable[RawRecord]) -> None:
        """Take all records of the window before as the baseline, after a restart between two windows."""
        window: _Open | None = None
        for record in map(_sane, records):
            window = window or self._begin(record)
            self._add(window, record, window.now)
        self._baseline = window.reducer.summary() if window else None

    def feed(self, record: RawRecord) -> Context | None:
        """Take the next record; return the context of the window that ends before it."""
        record = _sane(record)
        line = None if record.line is None else parse_line(record.line, _dated(record))
        window, closed = self._open, None
        if window is not None and self._ends(window, record, line, self._clock(window, record)):
            closed = self._close(window)
            window = None
        if window is None:
            window = self._open = self._begin(record)
        self._add(window, record, self._clock(window, record), line)
        return closed

    def advance(self, now: int) -> Context | None:
        """Close the open window if it is due; no record with a time before ``now`` should still come."""
        due = self.due
        return self.cut() if due is not None and now >= due else None

    def cut(self) -> Context | None:
        """Close the open window, due or not."""
        return self._close(self._open) if self._open is not None else None

    def _begin(self, record: RawRecord) -> _Open:
        reducer = Reducer(self._options, baseline=self._baseline)
        return _Open(reducer, record, record.time + self._windows.longest, record.time)

    def _clock(self, window: _Open, record: RawRecord) -> int:
        """Return the window's time at ``record``: it never goes back, and goes on after a step back."""
        time = record.time + window.ahead
        if time < window.now - self._windows.longest:
            window.ahead = window.now - record.time
        return max(time, window.now)

    def _ends(self, window: _Open, record: RawRecord, line: Line | None, time: int) -> bool:
        """Return whether ``window`` ends before ``record``."""
        options = self._windows
        full = window.lines >= options.max_lines or window.bytes >= options.max_bytes
        if time < window.deadline and not full:
            return False
        if (
            time >= window.deadline + options.grace
            or window.lines >= 2 * options.max_lines
            or window.bytes >= options.max_bytes
        ):
            return True
        since = window.seen.get(record.source)
        open_ = record.source in window.endless or (since is not None and time - since < options.gap)
        if open_ and line is not None and window.reducer.may_take(line, record.source):
            return False
        if any(source != record.source for source in islice(window.endless, 2)):
            return False
        # The newest two are enough: one of them is of another source, and older ones end sooner.
        newest = list(islice(reversed(window.unsettled.items()), 2))
        return not any(source != record.source and time - at < options.gap for source, at in newest)

    def _add(self, window: _Open, record: RawRecord, time: int, line: Line | None = None) -> None:
        window.last, window.now = record, time
        window.lines += 1
        if record.line is None:
            window.dead += 1
            return
        window.bytes += len(record.line)
        line = line or parse_line(record.line, _dated(record))
        source, level = record.source, line.level
        window.reducer.take(line, source, _dated(record), record.offset)
        goes_on = window.reducer.in_trace(source)
        if level is None and not (goes_on and window.alarm is not None):
            level = sounds_like(line.text)
        if window.alarm is None and level is not None and level >= WARNING:
            window.alarm = record.time
            window.deadline = min(window.deadline, time + self._windows.hold)
        window.seen[source] = time
        if goes_on and window.reducer.lacks_end(source):
            window.endless.add(source)
        else:
            window.endless.discard(source)
        window.unsettled.pop(source, None)
        if goes_on or (level is not None and level >= ERROR):
            window.unsettled[source] = time

    def _close(self, window: _Open) -> Context:
        result = window.reducer.result()
        self._baseline = window.reducer.summary()
        self._open = None
        last = window.last or window.first
        hidden = list(result.hidden)
        if window.dead:
            hidden = sorted([*hidden, Hidden(_DEAD_LETTER, window.dead)], key=lambda item: item.rule)
        context = Context(
            id=f"{self._app}/{self._partition}/{window.first.offset}-{last.offset}",
            app=self._app,
            window=Window(start=_iso(window.first.time), end=_iso(max(window.first.time, last.time))),
            ctx=[readable(event) for event in result.events],
            events=result.events,
            hidden=hidden,
            lines_read=window.lines,
            partition=self._partition,
            first_offset=window.first.offset,
            last_offset=last.offset,
        )
        return shorten(context)


def _sane(record: RawRecord) -> RawRecord:
    """Return ``record`` with a time that a calendar has."""
    time = min(max(record.time, 0), _LAST_TIME)
    return record if time == record.time else replace(record, time=time)


def _dated(record: RawRecord) -> float:
    return record.at if record.at is not None else record.time / 1000


def _iso(milliseconds: int) -> str:
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
