"""What one record says: its severity, its exception if it has one, its message and a raw example."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Final

from dspy_agent_core.contracts.results import Frame
from dspy_agent_core.logs import levels
from dspy_agent_core.logs.frames import Resolve, own_frame
from dspy_agent_core.logs.records import Record
from dspy_agent_core.logs.times import Stamp
from dspy_agent_core.logs.traces.model import Trace
from dspy_agent_core.logs.traces.parse import bare_exception, named_below, parse_trace

_EXAMPLE_LINES: Final = 60
_EXAMPLE_CHARS: Final = 8000
_MESSAGE_CHARS: Final = 4000
_NAME_CHARS: Final = 500
_CAUSES: Final = 20
_CAUSE_CHARS: Final = 1000

Order = tuple[float, int]


@dataclass(slots=True)
class Happening:
    """What one record says, ready to be grouped. ``order`` sorts by time: (epoch, line number)."""

    level: int
    message: str
    example: str
    order: Order
    stamp: Stamp | None
    lines: int
    source: str
    offset: int | None
    type: str | None = None
    frame: Frame | None = None
    cause: list[str] | None = None


def trace_of(record: Record) -> Trace | None:
    """Return the exception that ``record`` tells of, or None."""
    quiet = record.level is not None and record.level < levels.WARNING
    if record.trace_text is not None:
        texts = record.trace_text.split("\n")
        return parse_trace(texts) or bare_exception(texts[0])
    kind = record.open.kind if record.open else None
    found = parse_trace(record.texts, record.context, kind) if record.open or record.lines > 1 else None
    if found is not None and (found.type or found.frames):
        return found
    if record.open:
        bare = None if quiet else bare_exception("\n".join(record.texts[:40]))
        return bare or named_below(record.texts)
    if quiet:
        return None
    return bare_exception(record.texts[0]) or (named_below(record.texts) if record.lines > 1 else None)


def level_of(record: Record, trace: Trace | None) -> int:
    """Return the severity of ``record``: its own, or what its words or its exception suggest."""
    level = record.level if record.level is not None else levels.sounds_like(record.texts[0])
    if trace is None:
        return level
    floor = levels.CRITICAL if trace.type in ("panic", "fatal error") else levels.ERROR
    if trace.type and trace.type.endswith("Warning") and len(trace.frames) < 2:
        floor = levels.WARNING  # told, not raised
    has_own_level = record.level is not None and record.level >= levels.WARNING
    return level if has_own_level else max(level, floor)


def plain(record: Record, level: int, order: Order, source: str) -> Happening:
    """Return what a record without an exception says."""
    message = record.texts[0].strip()[:_MESSAGE_CHARS]
    return Happening(
        level, message, _example(record), order, record.stamp, record.lines, source, record.offset
    )


def exceptional(
    record: Record, trace: Trace, level: int, order: Order, source: str, resolve: Resolve
) -> Happening:
    """Return what a record with an exception says."""
    message = trace.message if trace.type else (trace.message or record.texts[0].strip())
    return Happening(
        level,
        message[:_MESSAGE_CHARS],
        _example(record),
        order,
        record.stamp,
        record.lines,
        source,
        record.offset,
        trace.type and trace.type[:_NAME_CHARS],
        _bounded(own_frame(trace, resolve)),
        [_describe(cause, resolve)[:_CAUSE_CHARS] for cause in trace.causes[:_CAUSES]] or None,
    )


def _bounded(frame: Frame | None) -> Frame | None:
    if frame is None or len(frame.path) + len(frame.function or "") <= _NAME_CHARS:
        return frame
    return Frame(frame.path[:_NAME_CHARS], frame.line, frame.function and frame.function[:_NAME_CHARS])


def _describe(trace: Trace, resolve: Resolve) -> str:
    frame = own_frame(trace, resolve)
    kind = trace.type or "exception"
    text = f"{kind}: {trace.message}" if trace.message else kind
    if frame is None:
        return text
    place = frame.path if frame.line is None else f"{frame.path}:{frame.line}"
    return f"{text} at {place}" + (f" in {frame.function}" if frame.function else "")


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
