"""The log reducer: lines in, the few events that matter out. Pure and incremental."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from dspy_agent_core.contracts.results import Hidden, LogContext
from dspy_agent_core.logs import levels
from dspy_agent_core.logs.baseline import Baseline
from dspy_agent_core.logs.frames import Resolve
from dspy_agent_core.logs.groups import Groups
from dspy_agent_core.logs.happenings import Order, exceptional, level_of, plain, trace_of
from dspy_agent_core.logs.lines import Line, parse_line
from dspy_agent_core.logs.noise import loud_noise_rule, noise_rule
from dspy_agent_core.logs.rank import choose
from dspy_agent_core.logs.records import Joiner, Record
from dspy_agent_core.logs.traces.model import Trace

_BEFORE_SINCE: Final = "before-since"


def _nowhere(path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ReducerOptions:
    """What to show.

    Args:
        level: lowest level to show, an index of ``levels.LEVELS``. Exceptions are shown at any level.
        since: epoch seconds; records with an older time are left out (and counted).
        limit: most events to show; only exceptions may be more. None: all exceptions and up to 40 others.
        budget: most tokens of the events' readable lines, as ``rank.tokens`` estimates them. Exceptions are
            shown in any case, without their causes if need be. None: no such limit.
    """

    level: int = levels.WARNING
    since: float | None = None
    limit: int | None = None
    budget: int | None = None


class Reducer:
    """Reduces log lines. Equal lines give an equal result, however they are split over ``feed``.

    Args:
        options: what to show.
        resolve: maps a path of a trace to one relative to the workspace (None: not of the workspace).
        baseline: the ``summary`` of the window before; None if there was none.
    """

    def __init__(
        self,
        options: ReducerOptions | None = None,
        resolve: Resolve = _nowhere,
        baseline: Baseline | None = None,
    ) -> None:
        self._options = options or ReducerOptions()
        self._resolve = resolve
        self._baseline = baseline
        self._joiners: dict[str, tuple[Joiner, float | None]] = {}
        self._groups = Groups()
        self._hidden: Counter[str] = Counter()
        self._last_epoch: dict[str, float] = {}
        self._lines = 0
        self._below = f"below-{levels.LEVELS[self._options.level]}"
        self._unshown = (_BEFORE_SINCE, self._below)

    def feed(self, lines: Iterable[str], source: str = "", at: float | None = None) -> None:
        """Take lines (without or with their line ends) of ``source``, a file or a stream.

        ``at`` (epoch seconds, such as the file's time) dates records that have no time and years that
        are not written.
        """
        for raw in lines:
            self.take(parse_line(raw, at), source, at)

    def take(self, line: Line, source: str = "", at: float | None = None, offset: int | None = None) -> None:
        """Take one parsed line, which begins at ``offset`` of ``source``. Else as ``feed``."""
        self._lines += 1
        line.offset = offset
        known = self._joiners.get(source)
        if known is None:
            known = self._joiners[source] = (Joiner(), at)
        if done := known[0].feed(line):
            for record in done:
                self._take(record, source, at)

    def in_trace(self, source: str) -> bool:
        """Return whether the last line of ``source`` was of a trace that may go on."""
        known = self._joiners.get(source)
        return known is not None and known[0].in_trace()

    def lacks_end(self, source: str) -> bool:
        """Return whether the last line of ``source`` was of a trace whose exception must still come."""
        known = self._joiners.get(source)
        return known is not None and known[0].lacks_end()

    def may_take(self, line: Line, source: str) -> bool:
        """Return whether ``line`` of ``source`` may belong to a record that is still open."""
        known = self._joiners.get(source)
        return not line.headed and known is not None and known[0].may_take(line)

    def summary(self) -> Baseline:
        """Return the counts of what was read, whatever was shown of it and whatever the baseline was."""
        self._finish()
        return Baseline.of(self._groups)

    def result(self) -> LogContext:
        """Close what is still open and return the events so far, newest first."""
        self._finish()
        hidden = Counter(self._hidden)
        groups = [group for group in self._groups if group.count]
        hidden["too-many-groups"] += self._groups.dropped_lines
        options = self._options
        events = choose(groups, self._baseline, options.limit, options.budget, hidden)
        return LogContext(
            events=events,
            hidden=[Hidden(rule, lines) for rule, lines in sorted(hidden.items()) if lines],
            lines_read=self._lines,
        )

    def _finish(self) -> None:
        for source, (joiner, at) in self._joiners.items():
            for record in joiner.finish():
                self._take(record, source, at)

    def _take(self, record: Record, source: str, at: float | None) -> None:
        if record.stamp:
            epoch = self._last_epoch[source] = record.stamp.epoch
        else:
            epoch = self._last_epoch.get(source, at or 0.0)
        trace, own = None, record.level
        if own is not None and own < levels.WARNING and record.is_bare:
            level = own
        else:
            trace = trace_of(record)
            level = level_of(record, trace)
        rule = _noise(record.texts[0], trace, level) or self._left_out(trace, level, epoch)
        if rule is not None:
            self._hidden[rule] += record.lines
        if rule is None or (rule in self._unshown and (trace is not None or level >= levels.WARNING)):
            self._count(record, trace, level, (epoch, record.start), source, shown=rule is None)

    def _left_out(self, trace: Trace | None, level: int, epoch: float) -> str | None:
        """Return the rule that says that the options don't ask for a record; it counts in the summary."""
        since = self._options.since
        if since is not None and epoch and epoch < since:
            return _BEFORE_SINCE
        if level < self._options.level and (trace is None or not trace.type):
            return self._below
        return None

    def _count(
        self, record: Record, trace: Trace | None, level: int, order: Order, source: str, *, shown: bool
    ) -> None:
        if trace is not None:
            item = exceptional(record, trace, level, order, source, self._resolve)
            group = self._groups.exception(item)
        else:
            item = plain(record, level, order, source)
            group = self._groups.message(level, item.message)
        if shown:
            group.add(item)


def _noise(text: str, trace: Trace | None, level: int) -> str | None:
    """Return the rule that knows that a record that begins with ``text`` says nothing."""
    if trace is None and level < levels.WARNING and (rule := noise_rule(text)):
        return rule
    if "600" not in text or (trace is not None and trace.frames):
        return None
    return loud_noise_rule(text)
