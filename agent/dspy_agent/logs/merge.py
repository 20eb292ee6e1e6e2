"""Folds the contexts of several windows, and joins them with what the local logs say. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from dspy_agent.logs.kinds import Kind, Kinds, root
from dspy_agent_core.contracts.results import Frame, Hidden, LogContext, LogEvent
from dspy_agent_core.logs.levels import LEVELS
from dspy_agent_core.logs.rank import DEFAULT_OTHERS, tokens
from dspy_agent_core.logs.readable import readable
from dspy_agent_core.logs.times import parse_iso

if TYPE_CHECKING:
    from dspy_agent_core.contracts.messages import Context

Resolve = Callable[[str], str | None]

_PLACE: Final = re.compile(r"(?<= at )(\S+)(?=:\d)")


@dataclass(slots=True)
class Fold:
    """Like events of several windows of one app; ``epoch`` is the time of the newest."""

    event: LogEvent
    epoch: float
    first_epoch: float
    windows: int = 1

    def add(self, other: LogEvent, epoch: float, first_epoch: float) -> None:
        """Count in an event of a later window."""
        mine = self.event
        newest = other if epoch >= self.epoch else mine
        self.event = replace(
            newest,
            count=mine.count + other.count,
            first=mine.first if self.first_epoch <= first_epoch else other.first,
            before=mine.before,
        )
        self.epoch, self.first_epoch = max(self.epoch, epoch), min(self.first_epoch, first_epoch)
        self.windows += 1

    def done(self) -> LogEvent:
        """Return the event; a count before the first window compares with one window only."""
        comparable = self.windows == 1 or not self.event.before
        return self.event if comparable else replace(self.event, before=None)


def fold(contexts: Iterable[Context], level: int, since: float | None, resolve: Resolve) -> LogContext:
    """Return the events of ``contexts``, like ones of an app as one, newest first.

    Args:
        contexts: in any order.
        level: an index of ``LEVELS``; exceptions are kept at any.
        since: epoch seconds; what ended before is left out and counted.
        resolve: maps a path to one of the workspace, or to None.
    """
    kinds = Kinds()
    found: list[tuple[Kind, LogEvent, float]] = []
    hidden: Counter[str] = Counter()
    lines = 0
    for context in sorted(contexts, key=lambda c: (c.window.start, c.id)):
        end = epoch_of(context.window.end) or 0.0
        if since is not None and end < since:
            hidden["before-since"] += context.lines_read
            continue
        lines += context.lines_read
        hidden.update({item.rule: item.lines for item in context.hidden})
        for event in reversed(context.events):
            last = epoch_of(event.last) or end
            if since is not None and last < since:
                hidden["before-since"] += event.count
            elif not is_exception(event) and _rank(event) < level:
                hidden[f"below-{LEVELS[level]}"] += event.count
            else:
                named = replace(event, app=context.app)
                found.append((kinds.of(named), named, last))
    newest_first = sorted(_folded(found), key=lambda fold: fold.epoch, reverse=True)
    return LogContext(
        events=[_placed(fold.done(), resolve) for fold in newest_first],
        hidden=_listed(hidden),
        lines_read=lines,
    )


def _folded(found: list[tuple[Kind, LogEvent, float]]) -> Iterable[Fold]:
    folds: dict[Kind, Fold] = {}
    for kind, event, last in found:
        first = epoch_of(event.first) or last
        known = folds.get(root(kind))
        if known is None:
            folds[root(kind)] = Fold(event, last, first)
        else:
            known.add(event, last, first)
    return folds.values()


def join(
    local: LogContext,
    remote: LogContext,
    times: Mapping[str, float],
    limit: int | None,
    budget: int | None,
) -> LogContext:
    """Return both, newest event first, within ``limit`` and ``budget`` as the reducer has them.

    ``times`` has the time of each local source, in epoch seconds: it dates events that have none.
    """
    dated = [*_dated(local.events, times), *_dated(remote.events, {})]
    pairs = sorted(dated, key=lambda pair: pair[0], reverse=True)
    hidden: Counter[str] = Counter()
    for item in (*local.hidden, *remote.hidden):
        hidden[item.rule] += item.lines
    ranked = sorted(enumerate(event for _, event in pairs), key=_importance, reverse=True)
    kept = _within(ranked, limit, budget, hidden)
    return replace(
        local,
        events=[event for _, event in sorted(kept, key=lambda pair: pair[0])],
        hidden=_listed(hidden),
        lines_read=local.lines_read + remote.lines_read,
    )


def _importance(pair: tuple[int, LogEvent]) -> tuple[object, ...]:
    place, event = pair
    return (is_exception(event), _rank(event), event.before == 0, -place)


def _within(
    ranked: list[tuple[int, LogEvent]], limit: int | None, budget: int | None, hidden: Counter[str]
) -> list[tuple[int, LogEvent]]:
    """Return what may be shown: all exceptions, if need be without their causes, and what else fits."""
    exceptions = [event for _, event in ranked if is_exception(event)]
    others = DEFAULT_OTHERS if limit is None else max(0, limit - len(exceptions))
    left = float("inf") if budget is None else budget
    left -= sum(tokens(readable(replace(event, cause=None))) for event in exceptions)
    kept = []
    for place, event in ranked:
        cost = tokens(readable(event))
        if is_exception(event):
            brief = replace(event, cause=None)
            cost -= tokens(readable(brief))
            kept.append((place, event if cost <= left else brief))
        elif others <= 0:
            hidden["over-limit"] += event.count
            continue
        elif cost > left:
            left = 0
            hidden["over-budget"] += event.count
            continue
        else:
            kept.append((place, event))
            others -= 1
        left -= cost if cost <= left else 0
    return kept


def is_exception(event: LogEvent) -> bool:
    """Return whether ``event`` is of an exception."""
    return event.type is not None or event.frame is not None


def epoch_of(iso: str | None) -> float | None:
    """Return the epoch seconds of a time in an event, or None."""
    stamp = parse_iso(iso) if iso else None
    return stamp.epoch if stamp else None


def _dated(newest_first: list[LogEvent], times: Mapping[str, float]) -> Iterator[tuple[float, LogEvent]]:
    """Yield each event with a time that keeps their order."""
    epoch = float("inf")
    for event in newest_first:
        epoch = min(epoch, epoch_of(event.last) or times.get(event.source or "", epoch))
        yield epoch, event


def _rank(event: LogEvent) -> int:
    return LEVELS.index(event.level) if event.level in LEVELS else 0


def _placed(event: LogEvent, resolve: Resolve) -> LogEvent:
    """Return ``event`` with the paths of this workspace."""
    frame = event.frame
    if frame is not None:
        frame = Frame(resolve(frame.path) or frame.path, frame.line, frame.function)
    cause = [_PLACE.sub(lambda m: resolve(m[1]) or m[1], text) for text in event.cause or ()]
    return replace(event, frame=frame, cause=cause or None)


def _listed(hidden: Counter[str]) -> list[Hidden]:
    return [Hidden(rule, lines) for rule, lines in sorted(hidden.items()) if lines]
