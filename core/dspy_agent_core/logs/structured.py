"""Reads JSON and logfmt lines: message, level, time, and a stack trace in whatever field it hides."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from dspy_agent_core.logs.levels import level_of
from dspy_agent_core.logs.times import Stamp, from_epoch, parse_iso

_MESSAGE = ("message", "msg", "event", "log", "text", "@message", "error", "err")
_LEVEL = ("level", "severity", "levelname", "lvl", "log.level", "@level", "loglevel", "severityText")
_TIME = ("timestamp", "@timestamp", "time", "ts", "asctime", "datetime", "t", "date")
_TRACE = re.compile(
    r"Traceback \(most recent call last\)|\n[ \t]+at \S"
    r"|\ngoroutine \d+ \[|\n\t\S+\.go:\d|panicked at|\n[ \t]+from \S+:\d+:in |\n[ \t]*File \""
)
_LOGFMT_PAIR = re.compile(r'(?<![\w.@-])([A-Za-z_@][\w.@-]*)=("(?:[^"\\]|\\.)*"|\S*)')
_LOGFMT = re.compile(r"(?=[\w.@-]+=).*?(?<!\S)(?:level|lvl|severity)=")
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
        data = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return from_mapping(data, text) if isinstance(data, dict) else None


def from_mapping(data: dict[str, Any], text: str) -> Fields:
    """Return the fields of a decoded object; ``text`` is the message if no field holds one."""
    message = next((str(data[k]) for k in _MESSAGE if isinstance(data.get(k), (str, int, float))), None)
    nested = data.get("log")
    level_value = _first(data, _LEVEL) or (nested.get("level") if isinstance(nested, dict) else None)
    trace = _find_trace(data, 0) or _described_error(data)
    if message is None or (trace and message in trace):
        message = trace.strip().splitlines()[0] if trace and trace.strip() else (message or text)
    return Fields(message, level_of(level_value), _stamp(_first(data, _TIME)), trace)


def parse_logfmt(text: str) -> Fields | None:
    """Return the fields of a logfmt line (``level=error msg="…"``), or None if it is none."""
    if not _LOGFMT.match(text[:400]):
        return None
    pairs: dict[str, Any] = {}
    for key, value in _LOGFMT_PAIR.findall(text):
        pairs[key] = _unquote(value) if value.startswith('"') else value
    fields = from_mapping(pairs, text)
    extra = pairs.get("err") or pairs.get("error")
    if extra and extra not in fields.message:
        fields.message = f"{fields.message}: {extra}"
    return fields


def unescape(text: str) -> str:
    """Return ``text`` with written-out line ends, tabs and quotes made real."""
    text = text.replace("\\r", "").replace("\\n", "\n").replace("\\t", "\t")
    return _CLOSING_QUOTE.sub("", text.replace('\\"', '"').replace("\\'", "'"))


def _unquote(value: str) -> str:
    try:
        return str(json.loads(value))
    except ValueError:
        return value[1:-1]


def _first(data: dict[str, Any], names: tuple[str, ...]) -> Any:
    return next((data[name] for name in names if data.get(name) not in (None, "")), None)


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
        return value if _TRACE.search(value) else None
    if depth > 4:
        return None
    if isinstance(value, dict):
        if isinstance(value.get("frames"), list):
            return _from_frames(value)
        return next(filter(None, (_find_trace(v, depth + 1) for v in value.values())), None)
    if isinstance(value, list):
        texts = [v for v in value if isinstance(v, str)]
        if texts and len(texts) == len(value):
            return _find_trace("\n".join(t.rstrip("\n") for t in texts), depth + 1)
        return next(filter(None, (_find_trace(v, depth + 1) for v in value)), None)
    return None


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
    for name in ("err", "error", "exception", "exc"):
        error = data.get(name)
        if isinstance(error, dict):
            kind = error.get("type") or error.get("name") or error.get("class")
            message = error.get("message") or error.get("msg") or ""
            if isinstance(kind, str):
                return f"{kind}: {message}"
    kind, message = data.get("error.type"), data.get("error.message", "")
    return f"{kind}: {message}" if isinstance(kind, str) else None
