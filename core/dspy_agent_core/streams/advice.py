"""What to make of a context: a summary, the key points, and a plan of the next safe steps.

``advise`` does it by rules: the same context gives the same advice. A model, where there is one, answers
in the same shape.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath
from typing import Final

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.levels import ERROR, LEVELS, WARNING
from dspy_agent_core.logs.readable import headline, one_line
from dspy_agent_core.streams.advice_rules import RULES, Rule

_POINTS: Final = 6
_PLACES: Final = 3
_STEPS: Final = 10
_RULES_EACH: Final = 2
_TEXT: Final = 2000
_RISING: Final = 2  # times as often as in the window before
# What of a log line may stand in a step: names, paths and addresses that a shell takes as they are.
_PLAIN: Final = re.compile(r"[\w@/][\w@./:-]{0,99}", re.ASCII)
_PLACE: Final = re.compile(r"\{(\w+)\}")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_]\w{0,79}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Advice:
    """What to make of a context."""

    summary: str
    key_points: list[str]
    plan: list[str]


def advise(context: Context) -> Advice | None:
    """Return what the rules say of ``context``; None if it has no event."""
    if not context.events:
        return None
    events = sorted(context.events, key=_weight)
    plan = dict.fromkeys([*_openings(events), *_checks(events), *_looks(context)])
    return Advice(
        summary=_summary(context, events),
        key_points=[*map(_point, events[:_POINTS]), *_others(events), *_hidden(context)],
        plan=list(islice(plan, _STEPS)),
    )


def is_new(event: LogEvent) -> bool:
    """Return whether the window before had nothing of the kind; False where it is not known."""
    return event.before == 0


def is_rising(event: LogEvent) -> bool:
    """Return whether it comes at least twice as often as in the window before."""
    return bool(event.before) and event.count >= _RISING * (event.before or 0)


def _weight(event: LogEvent) -> tuple[int, ...]:
    level = LEVELS.index(event.level) if event.level in LEVELS else WARNING
    severe = level >= ERROR or event.type is not None
    return not severe, not is_new(event), not is_rising(event), -level, -event.count


def _summary(context: Context, events: list[LogEvent]) -> str:
    kinds = f"{len(events)} kinds of problems" if len(events) > 1 else "one problem"
    new, rising = sum(map(is_new, events)), sum(map(is_rising, events))
    news = [f"{count} {word}" for count, word in ((new, "new"), (rising, "rising")) if count]
    told = f" ({', '.join(news)})" if news else ""
    lines = f"{context.lines_read:,} line{'' if context.lines_read == 1 else 's'}"
    return clean(f"{context.app}: {kinds}{told} in {lines}; first of all {_named(events[0])}.")


def _named(event: LogEvent) -> str:
    what = event.type or one_line(event.message)[:120]
    where = f" at {_where(event)}" if event.frame else ""
    return f"{what}{where}" + (f", {event.count}×" if event.count > 1 else "")


def _where(event: LogEvent) -> str:
    if event.frame is None:
        return ""
    return event.frame.path + ("" if event.frame.line is None else f":{event.frame.line}")


def _point(event: LogEvent) -> str:
    news = "new: " if is_new(event) else f"rising from {event.before}×: " if is_rising(event) else ""
    causes = "".join(f"; caused by {one_line(cause)}" for cause in event.cause or ())
    return clean(f"{news}{event.level} {event.count}× {headline(event)}{causes}")


def _others(events: list[LogEvent]) -> Iterator[str]:
    if len(events) > _POINTS:
        more = events[_POINTS:]
        yield f"{len(more)} more kinds, {sum(event.count for event in more):,}×"


def _hidden(context: Context) -> Iterator[str]:
    if context.hidden:
        rules = ", ".join(f"{item.lines:,} × {item.rule}" for item in context.hidden[:_POINTS])
        yield f"hidden: {rules}"


def _openings(events: list[LogEvent]) -> Iterator[str]:
    """Yield where to look in the code."""
    shown = [event for event in events if event.frame is not None][:_PLACES]
    for event in shown:
        assert event.frame is not None  # noqa: S101  chosen above
        function = f" in {event.frame.function}" if event.frame.function else ""
        yield clean(f"Open {_where(event)}{function}, where {event.type or event.level} comes from.")
    for event in shown[:1]:
        yield from _codectx(event)


def _codectx(event: LogEvent) -> Iterator[str]:
    """Yield the command that says who uses and tests the place; a path of another machine is no file here."""
    frame = event.frame
    if frame is None:
        return
    symbol = (frame.function or "").rpartition(".")[2]
    path = PurePosixPath(frame.path)
    if not path.is_absolute() and ".." not in path.parts and not frame.path.startswith("-"):
        yield clean(f"See who uses and tests it: `dspy-agent codectx {shlex.quote(frame.path)}`")
    elif _IDENTIFIER.fullmatch(symbol):
        yield f"See who uses and tests it: `dspy-agent codectx {symbol}`"


def _checks(events: list[LogEvent]) -> Iterator[str]:
    """Yield what the rules say to check, of the most important errors first."""
    for event in events[:_POINTS]:
        for rule, match in islice(_matches(event), _RULES_EACH):
            yield from _filled(rule, match)


def _matches(event: LogEvent) -> Iterator[tuple[Rule, re.Match[str]]]:
    """Yield the rules that know the error or a cause of it, the innermost cause first."""
    named = f"{event.type}: {event.message}" if event.type else event.message
    known: set[str] = set()
    for text in [*reversed(event.cause or []), named]:
        for rule in RULES:
            match = rule.pattern.search(text[:_TEXT])
            if match and rule.name not in known:
                known.add(rule.name)
                yield rule, match
                break


def _filled(rule: Rule, match: re.Match[str]) -> Iterator[str]:
    """Yield the rule's steps; one that needs a word that is not there, or not plain, is left out."""
    words = {name: value for name, value in match.groupdict().items() if value and _PLAIN.fullmatch(value)}
    for step in rule.steps:
        needed = _PLACE.findall(step)
        if all(name in words for name in needed):
            yield step.format(**words) if needed else step


def _looks(context: Context) -> Iterable[str]:
    """Yield how to see more of the log."""
    yield f"See what else happened: `dspy-agent ctx --since 15m --app {context.app}`"


def clean(text: str) -> str:
    """Return ``text`` without what a terminal would obey."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)
