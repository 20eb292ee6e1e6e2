"""Chooses what is shown: the most severe, the newest to the app and the fastest rising first."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs.baseline import Baseline
from dspy_agent_core.logs.groups import Group
from dspy_agent_core.logs.readable import readable

DEFAULT_OTHERS: Final = 40
_CHARS_PER_TOKEN: Final = 4
_LATE: Final = 0.75
# Of all events together, so that they fit into one message of a topic.
_MESSAGES_CHARS: Final = 128_000
_DETAILS_CHARS: Final = 256_000

Ranked = tuple[Group, LogEvent]


def tokens(text: str) -> int:
    """Return about how many tokens of a language model ``text`` takes: one for each four characters."""
    return -(-len(text) // _CHARS_PER_TOKEN)


def choose(
    groups: list[Group],
    baseline: Baseline | None,
    limit: int | None,
    budget: int | None,
    hidden: Counter[str],
) -> list[LogEvent]:
    """Return the events to show, newest first, and count the lines of the others in ``hidden``.

    Exceptions are always among them: if ``budget`` is too small, their causes are left out.

    Args:
        groups: groups with records to be shown.
        baseline: the window before, if it is known.
        limit: most events, if there are not more exceptions. None: all exceptions and 40 others.
        budget: most ``tokens`` of the readable lines, if exceptions do not take more. None: no such limit.
        hidden: lines by the name of the rule that hides them.
    """
    ranked = _ranked(groups, baseline)
    exceptions = sum(group.is_exception for group, _ in ranked)
    others = DEFAULT_OTHERS if limit is None else max(0, limit - exceptions)
    shown: list[Ranked] = []
    for group, event in ranked:
        if group.is_exception or others > 0:
            shown.append((group, event))
            others -= not group.is_exception
        else:
            hidden["over-limit"] += group.lines
    if budget is not None:
        shown = _within_budget(shown, budget, hidden)
    shown = _within_size(shown)
    shown.sort(key=lambda pair: pair[0].order, reverse=True)
    return [event for _, event in shown]


def _ranked(groups: list[Group], baseline: Baseline | None) -> list[Ranked]:
    epochs = [stamp.epoch for group in groups for stamp in (group.first, group.last) if stamp is not None]
    late = min(epochs) + _LATE * (max(epochs) - min(epochs)) if epochs else 0.0

    def value(pair: Ranked) -> tuple[object, ...]:
        group, event = pair
        if event.before is None:
            novel = group.first is not None and group.first.epoch > late
        else:
            novel = event.before == 0
        rate = group.count.bit_length() - (event.before or 0).bit_length()
        return (group.is_exception, group.level, novel, rate, group.order)

    pairs = [(group, group.event(baseline.before(group) if baseline else None)) for group in groups]
    return sorted(pairs, key=value, reverse=True)


def _within_budget(ranked: list[Ranked], budget: int, hidden: Counter[str]) -> list[Ranked]:
    """Keep the first events that fit. The place of each exception without its causes is set aside before."""
    short = {id(group): replace(event, cause=None) for group, event in ranked if group.is_exception}
    left = budget - sum(tokens(readable(event)) for event in short.values())
    kept: list[Ranked] = []
    full = False
    for group, event in ranked:
        cost = tokens(readable(event))
        if group.is_exception:
            brief = short[id(group)]
            cost -= tokens(readable(brief))
            fits = cost <= left
            kept.append((group, event if fits else brief))
        else:
            full = full or cost > left
            fits = not full
            if fits:
                kept.append((group, event))
            else:
                hidden["over-budget"] += group.lines
        left -= cost if fits else 0
    return kept


def _within_size(ranked: list[Ranked]) -> list[Ranked]:
    """Shorten messages where there are very many, and leave out examples and causes that no longer fit."""
    longest = max(80, _MESSAGES_CHARS // max(1, len(ranked)))
    left = _DETAILS_CHARS
    kept: list[Ranked] = []
    for group, event in ranked:
        if len(event.message) > longest:
            event = replace(event, message=f"{event.message[:longest]}…")
        left -= len(event.example or "") + sum(map(len, event.cause or ()))
        if left < 0:
            event = replace(event, example=None, cause=None)
        kept.append((group, event))
    return kept
