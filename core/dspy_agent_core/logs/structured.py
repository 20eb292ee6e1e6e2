"""Reads JSON and logfmt lines: message, level, time, and a stack trace in whatever field it hides."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dspy_agent_core.logs.levels import level_of
from dspy_agent_core.logs.times import Stamp, from_epoch, parse_iso

_MESSAGE = (
    "message", "msg", "event", "log", "text", "@message", "Message", "textPayload", "@m", "@mt",
    "MessageTemplate",
    "RenderedMessage", "short_message", "errorMessage", "exception.message", "error.message", "error", "err",
)  # fmt: skip
_LEVEL = (
    "level_name", "level", "severity", "levelname", "lvl", "log.level", "@level", "loglevel", "severityText",
    "LogLevel", "Level",
    "@l", "log_level", "logLevel", "PRIORITY",
)  # fmt: skip
_TIME = (
    "timestamp",
    "@timestamp",
    "time",
    "ts",
    "asctime",
    "datetime",
    "t",
    "date",
    "Timestamp",
    "@t",
    "instant",
    "eventTime",
)
# Objects in which some loggers put everything that they were told.
_NESTED = ("fields", "jsonPayload", "record", "body", "log")
_ERRORS = ("err", "error", "exception", "exc", "exc_info", "thrown", "exception_info", "throwable", "cause")
_KINDS = (
    "type",
    "name",
    "class",
    "kind",
    "errorType",
    "exception_class",
    "ClassName",
    "exc_type",
    "error_class",
)
_WORDS = (
    "message",
    "msg",
    "errorMessage",
    "exception_message",
    "Message",
    "localizedMessage",
    "detail",
    "exc_value",
    "value",
)
_STACKS = (
    "stack_trace", "stacktrace", "stack", "trace", "backtrace", "extendedStackTrace", "frames", "StackTrace",
    "StackTraceString", "stackTrace",
)  # fmt: skip
_PANICS = ("panic", "recover", "recovered")  # where Go's programs put what they have recovered from
_TELLING = frozenset((*_STACKS, "error.type", "errorType"))
_TRACE = re.compile(
    r"Traceback \(most recent call last\)|\n[ \t]+at \S"
    r"|\ngoroutine \d+ \[|\n[ \t]+\S+\.go:\d|panicked at|\n[ \t]*(?:from )?\S+:\d+:in "
    r"|\n[ \t]*File \"|\n#\d+ \S"
    r"|\n    (?:\([\w.]+ [\w.]+\) )?\S+\.exs?:\d+: "
)
_LOGFMT_PAIR = re.compile(r'(?<![\w.@-])([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_LOGFMT = re.compile(r"[\w.@-]+=")
_LOGFMT_LEVEL = re.compile(r"\s(?:level|lvl|severity)=")
_LOGFMT_LEVELS = ("level=", "lvl=", "severity=")
_BARE_FRAME = re.compile(r"\s+at \S|\S+:\d+:in [`']|#\d+ \S|\s*File \"|\S+:\d+$")
_DECODER = json.JSONDecoder()
_CLOSING_QUOTE = re.compile(r"\n['\"]$")


@dataclass(slots=True)
class Fields:
    """What a structured line says. ``trace`` is the text of a stack trace, with real line ends."""

    message: str
    level: int | None = None
    stamp: Stamp | None = None
    trace: str | None = None


def parse_json(text: str) -> Fields | None:
    """Return the fields of a line that is one JSON object, or None if it is none."""
    try:
        data, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return None
    if type(data) is not dict or (end < len(text) and text[end:].strip(" \t\r\n")):
        return None
    return from_mapping(data, text)


def from_mapping(data: dict[str, Any], text: str) -> Fields:
    """Return the fields of a decoded object; ``text`` is the message if no field holds one."""
    inner: dict[str, Any] = {}
    for name in _NESTED:
        if isinstance(data.get(name), dict):
            inner = data[name]
            break
    message = _message(data)
    if message is None and inner:
        message = _message(inner)
    level = _first(data, _LEVEL) or (_first(inner, _LEVEL) if inner else None)
    trace = None if _is_calm(data) else _find_trace(data, 0) or _described_error(data)
    if message is None or (trace and message in trace):
        message = trace.strip().splitlines()[0] if trace and trace.strip() else (message or text)
    elif inner or "error" in data or "err" in data:
        message = _with_error(message, data, inner)
    return Fields(message, level_of(level), _stamp(_first(data, _TIME)), trace)


def _message(data: dict[str, Any]) -> str | None:
    for name in _MESSAGE:
        if isinstance(value := data.get(name), (str, int, float)):
            return str(value)
    return None


def _is_calm(data: dict[str, Any]) -> bool:
    """Return whether, at a glance, no field tells of an exception."""
    for value in data.values():
        if type(value) is str:
            if "\n" in value or "panicked at" in value:
                return False
        elif type(value) is dict or type(value) is list:
            return False
    return _TELLING.isdisjoint(data)


def _with_error(message: str, data: dict[str, Any], inner: dict[str, Any]) -> str:
    """Return ``message`` with the error that Go's loggers put beside it."""
    for name in ("error", "err"):
        error = data.get(name) or inner.get(name)
        if isinstance(error, str) and error and error not in message and "\n" not in error:
            return f"{message}: {error}"
    return message


def parse_logfmt(text: str) -> Fields | None:
    """Return the fields of a logfmt line (``level=error msg="…"``), or None if it is none."""
    start = text[:400].partition("\n")[0]
    if not (_LOGFMT.match(start) and (start.startswith(_LOGFMT_LEVELS) or _LOGFMT_LEVEL.search(start))):
        return None
    pairs: dict[str, Any] = {}
    for key, value in _LOGFMT_PAIR.findall(text):
        pairs[key] = _unquote(value) if value.startswith('"') else value
    return from_mapping(pairs, text)


def unescape(text: str) -> str:
    """Return ``text`` with written-out line ends, tabs and quotes made real."""
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t")
    return _CLOSING_QUOTE.sub("", text.replace('\\"', '"').replace("\\'", "'"))


def _unquote(value: str) -> str:
    if "\\" not in value:
        return value[1:-1]
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]


def _first(data: dict[str, Any], names: tuple[str, ...]) -> Any:
    for name in names:
        if (value := data.get(name)) is not None and value != "":
            return value
    return None


def _stamp(value: Any) -> Stamp | None:
    if isinstance(value, str):
        try:
            return parse_iso(value) or from_epoch(float(value))
        except (ValueError, OverflowError):
            return None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return from_epoch(min(float(value), 1e20))
    return None


def _find_trace(value: Any, depth: int) -> str | None:
    if isinstance(value, str):
        spoken = "\n" in value or "panicked at" in value
        return value if spoken and _TRACE.search(value) else None
    if depth > 4:
        return None
    if isinstance(value, dict):
        return _of_object(value) or next(
            filter(None, (_find_trace(v, depth + 1) for v in value.values())), None
        )
    if isinstance(value, list):
        texts = [v for v in value if isinstance(v, str)]
        if texts and len(texts) == len(value):
            return _find_trace("\n".join(t.rstrip("\n") for t in texts), depth + 1)
        if chain := _of_chain(value):
            return chain
        return next(filter(None, (_find_trace(v, depth + 1) for v in value)), None)
    return None


def _of_chain(found: list[Any]) -> str | None:
    """Write the exceptions of structlog's dict_tracebacks, the last one first, as Python prints them."""
    if len(found) < 2 or not all(isinstance(one, dict) and one.get("exc_type") for one in found):
        return None
    texts = [_from_frames({"frames": [], **one}) for one in reversed(found)]
    link = "\n\nThe above exception was the direct cause of the following exception:\n\n"
    return link.join(filter(None, texts))


def _of_object(error: dict[str, Any]) -> str | None:
    """Write an object that holds an exception, or has one beside it, as its language prints it."""
    stack = next((error[name] for name in _STACKS if error.get(name)), None)
    if stack is None:
        return None
    if isinstance(stack, str) or (isinstance(stack, list) and isinstance(stack[0], str)):
        return _of_lines(error, stack if isinstance(stack, str) else "\n".join(map(str, stack)))
    frames = [frame for frame in stack if isinstance(frame, dict)] if isinstance(stack, list) else []
    if not frames:
        return None
    if "class" in frames[0] and "method" in frames[0]:
        lines = [f"\tat {f.get('class')}.{f.get('method')}({f.get('file')}:{f.get('line')})" for f in frames]
        return "\n".join([_head(error), *lines])
    if "source" in frames[0] or "func" in frames[0]:  # zerolog, and pkg/errors by it
        lines = [
            f"{f.get('func') or f.get('function')}\n\t{f.get('source') or f.get('file')}:{f.get('line')}"
            for f in frames
        ]
        return "\n".join(["goroutine 1 [running]:", *lines])
    return _from_frames({**error, "frames": frames})


def _of_lines(error: dict[str, Any], stack: str) -> str | None:
    """Put type and message above a stack that has neither."""
    head = _head(error)
    bare = stack.lstrip()
    if bare.startswith("goroutine ") and (panic := next(filter(None, map(error.get, _PANICS)), None)):
        return f"panic: {panic}\n\n{bare}"
    first = bare.partition("\n")[0]
    if not head or not (_BARE_FRAME.match(stack) or _BARE_FRAME.match(first)) or first in head:
        return None
    return f"{head}\n{stack}"


def _head(error: dict[str, Any]) -> str:
    """Return ``type: message`` of an object, as far as it has them."""
    beside = next(
        (error[name] for name in ("error", "err", "exception") if isinstance(error.get(name), (str, dict))),
        "",
    )
    beside = _head(beside) if isinstance(beside, dict) else beside
    kind = next((error[n] for n in (*_KINDS, "error.type") if isinstance(error.get(n), str)), "")
    words = (
        next((error[n] for n in ("error.message", *_WORDS) if isinstance(error.get(n), str)), "")
        if kind
        else beside
    )
    return f"{kind}: {words}" if kind and words else (kind or words)


def _from_frames(error: dict[str, Any]) -> str | None:
    """Write a structured traceback (structlog's dict_tracebacks) as Python prints one."""
    lines = ["Traceback (most recent call last):"]
    for frame in error["frames"]:
        if isinstance(frame, dict):
            path, line, name = (frame.get(k) for k in ("filename", "lineno", "name"))
            lines.append(f'  File "{path}", line {line}, in {name}')
    kind = error.get("exc_type") or error.get("type")
    value = error.get("exc_value") or error.get("value") or error.get("message") or ""
    return "\n".join([*lines, f"{kind}: {value}"]) if kind else None


def _described_error(data: dict[str, Any]) -> str | None:
    """Return ``type: message`` of an error object that has no stack."""
    context = data.get("context")
    beside = context if isinstance(context, dict) else {}
    for name in _ERRORS:
        error = data.get(name) or beside.get(name)
        if isinstance(error, dict):
            head = _head(error)
            where = error.get("file")
            if head and isinstance(where, str) and re.search(r":\d+$", where):  # Monolog
                return f"PHP Fatal error:  Uncaught {head} in {where}\nStack trace:"
            if head and any(isinstance(error.get(kind), str) for kind in _KINDS):
                return head
    kind, message = (
        data.get("error.type") or data.get("errorType"),
        data.get("error.message") or data.get("errorMessage", ""),
    )
    return f"{kind}: {message}" if isinstance(kind, str) else None
