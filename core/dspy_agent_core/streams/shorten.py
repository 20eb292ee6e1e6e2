"""Makes a context small enough for a broker: what a reader misses least goes first, the same every time."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final

from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.results import Hidden, LogEvent
from dspy_agent_core.logs import readable

# Brokers take records of 1 MiB unless they are told otherwise; key, headers and batch come on top.
MAX_CONTEXT_BYTES: Final = 900_000

_OVER_SIZE: Final = "over-size"
_EXAMPLES: Final = (2000, 500, 0)
_TEXT: Final = 500


def shorten(context: Context, limit: int = MAX_CONTEXT_BYTES) -> Context:
    """Return ``context`` in at most ``limit`` bytes, if that can be: an empty one takes some hundred.

    First examples get shorter, then other texts, then events go: those without an exception before those
    with one, the last ones first. They count as hidden by ``over-size``.
    """
    if len(context.encode()) <= limit:
        return context
    for characters in _EXAMPLES:
        context = _with_events(context, [_cut(event, characters) for event in context.events])
        if len(context.encode()) <= limit:
            return context
    return _fewer(context, limit)


def _fewer(context: Context, limit: int) -> Context:
    events = context.events
    keeping = sorted(range(len(events)), key=lambda place: (events[place].type is None, place))
    room = limit - len(_with_events(context, [], 1 << 60).encode())
    kept: set[int] = set()
    for place in keeping:
        room -= _size(context, events[place])
        if room < 0:
            break
        kept.add(place)
    gone = sum(event.count for place, event in enumerate(events) if place not in kept)
    return _with_events(context, [events[place] for place in sorted(kept)], gone)


def _size(context: Context, event: LogEvent) -> int:
    """Return the bytes that ``event`` adds to ``context``, commas included."""
    alone = _with_events(context, [event])
    return len(alone.encode()) - len(_with_events(context, []).encode()) + 2


def _with_events(context: Context, events: list[LogEvent], gone: int = 0) -> Context:
    hidden = [*context.hidden, Hidden(_OVER_SIZE, gone)] if gone else context.hidden
    return context.model_copy(
        update={
            "events": events,
            "ctx": [_short(readable(event), 2 * _TEXT) for event in events],
            "hidden": sorted(hidden, key=lambda item: item.rule),
        }
    )


def _cut(event: LogEvent, characters: int) -> LogEvent:
    frame = event.frame
    return replace(
        event,
        message=_short(event.message, _TEXT),
        type=event.type and _short(event.type, _TEXT),
        frame=frame
        and replace(
            frame, path=_short(frame.path, _TEXT), function=frame.function and _short(frame.function, _TEXT)
        ),
        cause=event.cause and [_short(text, _TEXT) for text in event.cause[:20]],
        example=_short(event.example, characters) if event.example and characters else None,
        source=event.source and _short(event.source, _TEXT),
    )


def _short(text: str, characters: int) -> str:
    """Return the start of ``text``; escaped in JSON it takes no more than ``characters`` twice."""
    text = text if len(text) <= characters else f"{text[: characters - 1]}…"
    while len(json.dumps(text, ensure_ascii=False).encode()) > 4 * characters + 2:
        text = f"{text[: len(text) // 2]}…"
    return text
