"""The log reducer: lines in, the few events that matter out. Pure and incremental."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain

from dspy_agent_core.contracts.results import Hidden, LogContext
from dspy_agent_core.logs import levels
from dspy_agent_core.logs.baseline import Baseline
from dspy_agent_core.logs.frames import Resolve, own_frame
from dspy_agent_core.logs.groups import Group, Groups, Happening
from dspy_agent_core.logs.lines import Line, parse_line
from dspy_agent_core.logs.mask import mask
from dspy_agent_core.logs.noise import noise_rule
from dspy_agent_core.logs.records import Joiner, Record
from dspy_agent_core.logs.traces.model import Trace
from dspy_agent_core.logs.traces.parse import bare_exception, parse_trace

_EXAMPLE_LINES = 60
_EXAMPLE_CHARS = 8000
_MESSAGE_CHARS = 4000


def _nowhere(path: str) -> str | None:
    return None


@dataclass(frozen=True, slots=True)
class ReducerOptions:
    """What to keep.

    Args:
        level: lowest level to show, an index of ``levels.LEVELS``. Exceptions are kept at any level.
        since: epoch seconds; records with an older time are left out (and counted).
        limit: most events to show, exceptions first. None: all exceptions and up to 40 others.
    """

    level: int = levels.WARNING
    since: float | None = None
    limit: int | None = None


class Reducer:
    """Reduces log lines. Equal lines give an equal result, however they are split over ``feed``.

    Args:
        options: what to keep.
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
        joiner, _ = self._joiners.setdefault(source, (Joiner(), at))
        for record in joiner.feed(line):
            self._take(record, source, at)

    def summary(self) -> Baseline:
        """Return the counts of what was read, whatever was shown of it and whatever the baseline was."""
        self._finish()
        counts = {group.signature: group.count for group in self._groups.newest_first()}
        return Baseline(counts)

    def result(self) -> LogContext:
        """Close what is still open and return the events so far, newest first."""
        self._finish()
        hidden = Counter(self._hidden)
        if self._groups.dropped_lines:
            hidden["too-many-groups"] = self._groups.dropped_lines
        shown = self._within_limit(self._groups.newest_first(), hidden)
        return LogContext(
            events=[group.event(self._before(group)) for group in shown],
            hidden=[Hidden(rule, lines) for rule, lines in sorted(hidden.items()) if lines],
            lines_read=self._lines,
        )

    def _finish(self) -> None:
        for source, (joiner, at) in self._joiners.items():
            for record in joiner.finish():
                self._take(record, source, at)

    def _before(self, group: Group) -> int | None:
        return None if self._baseline is None else self._baseline.counts.get(group.signature, 0)

    def _take(self, record: Record, source: str, at: float | None) -> None:
        epoch = record.stamp.epoch if record.stamp else self._last_epoch.get(source, at or 0.0)
        if record.stamp:
            self._last_epoch[source] = epoch
        since = self._options.since
        if since is not None and epoch and epoch < since:
            self._hidden["before-since"] += record.lines
            return
        trace = _trace_of(record)
        level = _level_of(record, trace)
        if trace is None and level < levels.WARNING and (rule := noise_rule(record.texts[0])):
            self._hidden[rule] += record.lines
            return
        if (trace is None or not trace.type) and level < self._options.level:
            self._hidden[f"below-{levels.LEVELS[self._options.level]}"] += record.lines
            return
        self._groups.add(self._happening(record, trace, level, (epoch, record.start), source))

    def _happening(
        self, record: Record, trace: Trace | None, level: int, order: tuple[float, int], source: str
    ) -> Happening:
        example = _example(record)
        if trace is None:
            message = record.texts[0].strip()[:_MESSAGE_CHARS]
            key: tuple[object, ...] = (level, mask(message))
            return Happening(
                key,
                level,
                message,
                example,
                order,
                record.stamp,
                lines=record.lines,
                source=source,
                offset=record.offset,
            )
        frame = own_frame(trace, self._resolve)
        message = trace.message[:_MESSAGE_CHARS] if trace.type else (trace.message or record.texts[0].strip())
        key = (trace.type, mask(message.partition("\n")[0]), frame)
        cause = [self._describe(inner) for inner in trace.causes] or None
        return Happening(
            key,
            level,
            message,
            example,
            order,
            record.stamp,
            trace.type,
            frame,
            cause,
            record.lines,
            source,
            record.offset,
        )

    def _describe(self, trace: Trace) -> str:
        frame = own_frame(trace, self._resolve)
        text = (
            f"{trace.type or 'exception'}: {trace.message}" if trace.message else (trace.type or "exception")
        )
        if frame is None:
            return text
        place = frame.path if frame.line is None else f"{frame.path}:{frame.line}"
        return f"{text} at {place}" + (f" in {frame.function}" if frame.function else "")

    def _within_limit(self, groups: list[Group], hidden: Counter[str]) -> list[Group]:
        limit = self._options.limit
        if limit is None:
            limit = 40 + sum(group.is_exception for group in groups)
        kept = sorted(groups, key=lambda group: group.rank, reverse=True)[:limit]
        hidden["over-limit"] = sum(g.lines for g in groups) - sum(g.lines for g in kept)
        return sorted(kept, key=lambda group: group.newest.order, reverse=True)


def _trace_of(record: Record) -> Trace | None:
    if record.trace_text is not None:
        texts = record.trace_text.split("\n")
        return parse_trace(texts) or bare_exception(texts[0])
    found = parse_trace(record.texts, record.context) if record.open or record.lines > 1 else None
    if found is not None and (found.type or found.frames):
        return found
    if record.level is not None and record.level < levels.WARNING:
        return None
    return bare_exception("\n".join(record.texts[:40]) if record.open else record.texts[0])


def _level_of(record: Record, trace: Trace | None) -> int:
    level = record.level if record.level is not None else levels.sounds_like(record.texts[0])
    if trace is None:
        return level
    floor = levels.CRITICAL if trace.type in ("panic", "fatal error") else levels.ERROR
    has_own_level = record.level is not None and record.level >= levels.WARNING
    return level if has_own_level else max(level, floor)


def _example(record: Record) -> str:
    texts = record.texts if record.trace_text is None else record.trace_text.split("\n")
    if len(texts) > _EXAMPLE_LINES:
        half = _EXAMPLE_LINES // 2
        texts = list(chain(texts[:half], [f"… {len(texts) - 2 * half} lines …"], texts[-half:]))
    text = "\n".join(texts).rstrip()
    if len(text) <= _EXAMPLE_CHARS:
        return text
    half = _EXAMPLE_CHARS // 2
    return f"{text[:half]}\n… {len(text) - 2 * half} characters …\n{text[-half:]}"
