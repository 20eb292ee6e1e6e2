"""Takes one raw line apart: what carried it, when, how severe, and what it says."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from dspy_agent_core.logs import levels
from dspy_agent_core.logs.structured import parse_json, parse_logfmt, unescape
from dspy_agent_core.logs.times import ISO, Stamp, from_epoch, match_time, parse_iso

MAX_LINE: Final = 1 << 20
_MOST_CARRIERS: Final = 4

_ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")
_CRI = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) (stdout|stderr) ([FP])(?: |$)(.*)", re.S)
# Docker writes 9 digits, kubectl leaves zeros out, GitHub Actions writes 7.
_DOCKER = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7,9}(?:Z|[+-]\d\d:\d\d))(?: |$)(.*)", re.S)
_HEROKU = re.compile(r"(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)) ((?:app|heroku)\[[\w.-]+\]): ?(.*)", re.S)
_KUBECTL = re.compile(r"(\[pod/[^\]\s]+\]) (.*)", re.S)
_RANK = re.compile(r"(\[rank\d+\]): ?(.*)", re.S)  # torchrun
_COMPOSE = re.compile(rf"(?!(?:{levels.WORDS}|SUCCESS)\b)((?:\d+\|)?[A-Za-z0-9][\w.-]*?) +\| ?(.*)", re.S)
_FOREMAN = re.compile(r"\d\d:\d\d:\d\d ([\w-]+\.\d+) +\| ?(.*)", re.S)
# The pod of a deployment and its container, as stern writes them.
_STERN = re.compile(
    r"([a-z0-9][a-z0-9.-]{0,252}-[b-df-hj-np-tv-z0-9]{8,10}-[b-df-hj-np-tv-z0-9]{5} [a-z0-9-]+) (.*)", re.S
)
# A line of a trace as Dropwizard prints it.
_DROPWIZARD = re.compile(
    r"! (?:(?P<frame>at .*)|(?P<head>(?:Caused by: )?(?:[a-z]\w*\.)+[A-Z].*|\.\.\. \d.*))", re.S
)
_SHORTEST_STERN: Final = 16  # characters of a pod's name
_SYSLOG = re.compile(
    r"(?:<\d{1,3}>)?([A-Z][a-z]{2} [ \d]?\d \d\d:\d\d:\d\d) \S+ ([\w./-]+(?:\[\d+\])?): ?(.*)", re.S
)
_SYSLOG_ISO = re.compile(
    rf"(?:<\d{{1,3}}>1 )?({ISO}) \S+ ([\w./-]+)(?:\[\d+\]: ?| \d+ \S+ (?:-|\[.*?\]) ?)(.*)", re.S
)
_KERNEL_TIME = re.compile(r"\[ *\d+\.\d{6}\] ")
_TAG = re.compile(r"\[[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}\] ")  # Rails' request id
_CALLER = re.compile(r"[\w./@-]+\.go:\d+\t")  # zap
_REDIS = re.compile(r"\d+:[A-Z] (\d\d? [A-Z][a-z]{2} \d{4} [\d:.]+) ([.*#-]) (.*)", re.S)
_REDIS_LEVELS: Final = {"#": levels.WARNING, "*": levels.INFO, "-": levels.INFO, ".": levels.INFO - 1}
_SYSLOG_TABS = re.compile(r"^(?:#011)+")
_KLOG = re.compile(r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d\.\d+)\s+\d+ ([^\]\s]+:\d+)\] (.*)", re.S)
_RUBY_LOG = re.compile(r"[DIWEFA], \[([\dT:.-]+) ?#\d+\] +([A-Z]+) -- [^:]*: (.*)", re.S)
_ACCESS = re.compile(r"\S+ \S+ \S+ (?=\[\d\d/[A-Z][a-z]{2}/\d{4}:)")
_TIME_STARTS: Final = frozenset("[(MTWFSJAOND")  # besides digits: days and months
_LEVEL_STARTS: Final = frozenset("[" + "TVDINWESCFPA" + "tvdinwescfpa")
_ESCAPED_TRACE = re.compile(r"Traceback \(most recent call last\):\\n|\\n(?:\\t|\s+)at |\\ngoroutine \d+")


@dataclass(slots=True)
class Line:
    """One line, taken apart.

    ``stream`` tells apart what one file mixes (service, pod, stdout and stderr). ``headed`` is true if
    the line itself starts a record (it has a time or a level of its own). ``per_line`` is true if its
    time was put there by a carrier that marks every line. ``trace`` is a stack trace held in a field.
    ``offset`` is where the line begins in its file or stream, if the reader tells.
    """

    raw: str
    text: str
    stream: str = ""
    stamp: Stamp | None = None
    level: int | None = None
    headed: bool = False
    partial: bool = False
    trace: str | None = None
    offset: int | None = None


def parse_line(raw: str, at: float | None = None) -> Line:
    """Take ``raw`` apart. ``at`` (epoch seconds, such as a file's time) completes dates without a year."""
    line = _carried(raw[:MAX_LINE].rstrip("\r\n"), at)
    if not line.partial and line.text and line.text[0] not in " \t":
        _read(line, at)
    return line


def completed(line: Line, before: str) -> Line:
    """Return the whole of a line that a carrier has cut: ``before`` and the last piece, ``line``."""
    last = Line(raw=line.raw, text=line.raw)
    _take_carrier(last, None)
    whole = _carried(before + last.text, None)
    whole.stream, whole.stamp = last.stream + whole.stream, whole.stamp or last.stamp
    if whole.text and whole.text[0] not in " \t":
        _read(whole, None)
    return whole


def _carried(raw: str, at: float | None) -> Line:
    """Return the line without what carriers put before it."""
    text = _ANSI.sub("", raw) if "\x1b" in raw else raw
    line = Line(text, text)
    carriers = 0
    while carriers < _MOST_CARRIERS and _take_carrier(line, at) and not line.partial:
        carriers += 1
    return line


def _read(line: Line, at: float | None) -> None:
    """Take the header of the program's own line off: there is one if it begins with no blank."""
    _take_header(line, at)
    text = line.text
    if line.trace is None and "\\n" in text and _ESCAPED_TRACE.search(text):
        line.trace = unescape(text)
        line.headed = True
    if line.trace is None and text[-1:] == "}" and '"stack' in text:
        _read_tail(line)


def _read_tail(line: Line) -> None:
    """Take the trace out of an object behind the words of a line."""
    start = line.text.find('{"')
    fields = parse_json(line.text[start:]) if start > 0 else None
    if fields is not None and fields.trace:
        line.trace, line.headed = fields.trace, True


def _year(at: float | None) -> int | None:
    return datetime.fromtimestamp(at, UTC).year if at else None


def _take_carrier(line: Line, at: float | None) -> bool:
    """Strip one prefix that a carrier put before the line; return whether there was one."""
    text = line.text
    first = text[:1]
    if first.isdigit():
        if text[10:11] == "T" and text[19:20] in ".Z+-" and _take_time(line):
            return True
        if match := (text[10:11] == "T" or "]: " in text[:200]) and _SYSLOG_ISO.match(text):
            return _take_syslog(line, parse_iso(match[1]), match[2], match[3])
    elif first == "{":
        wraps = '"log":' in text and ('"stream":' in text or '"time":' in text or '"kubernetes":' in text)
        return _take_json(line) if wraps or '"__REALTIME_TIMESTAMP"' in text else False
    elif first == "[":
        match = _KUBECTL.match(text) if text.startswith("[pod/") else _RANK.match(text)
        return match is not None and _take_name(line, match)
    elif first == "!" and (match := _DROPWIZARD.match(text)):
        line.text = f"\t{match['frame']}" if match["frame"] else match["head"]
        return True
    elif first == "<" and (match := _SYSLOG_ISO.match(text)):
        return _take_syslog(line, parse_iso(match[1]), match[2], match[3])
    elif (first == "<" or text[3:4] == " ") and (match := _SYSLOG.match(text)):
        return _take_syslog(line, match_time(match[1], _year(at))[0], match[2], match[3])
    if "|" in text[:100] and (match := _COMPOSE.match(text) or _FOREMAN.match(text)):
        return _take_name(line, match)
    if " " not in text[:_SHORTEST_STERN] and "-" in text[:80] and (match := _STERN.match(text)):
        return _take_name(line, match)
    return False


def _take_time(line: Line) -> bool:
    """Take the time that containerd, Docker or ``kubectl logs --timestamps`` put before each line."""
    if match := _CRI.match(line.text):
        line.stream += match[2]
        line.partial = match[3] == "P"
        line.stamp, line.text = parse_iso(match[1]), match[4]
        return True
    if match := _DOCKER.match(line.text):
        line.stamp, line.text = parse_iso(match[1]), match[2]
        return True
    if match := _HEROKU.match(line.text):
        line.stamp, line.text = parse_iso(match[1]), match[3]
        line.stream += match[2]
        return True
    return False


def _take_name(line: Line, match: re.Match[str]) -> bool:
    line.stream += match[1]
    line.text = match[2]
    return True


def _take_syslog(line: Line, stamp: Stamp | None, app: str, text: str) -> bool:
    line.stamp = stamp
    line.stream += app
    text = _KERNEL_TIME.sub("", text) if app == "kernel" else text
    line.text = _SYSLOG_TABS.sub(lambda tabs: "\t" * (len(tabs[0]) // 4), text)
    return True


def _take_json(line: Line) -> bool:
    """Take the line out of the object that Docker, Fluent Bit or journald wrap each line in."""
    try:
        data = json.loads(line.text)
    except (ValueError, RecursionError):
        return False
    if isinstance(data.get("MESSAGE"), str) and "__REALTIME_TIMESTAMP" in data:
        line.text = data["MESSAGE"]
        line.stream += str(data.get("_SYSTEMD_UNIT") or data.get("SYSLOG_IDENTIFIER") or "")
        line.stamp = from_epoch(float(str(data["__REALTIME_TIMESTAMP"])[:20]))
        return True
    text = data.get("log")
    if not isinstance(text, str) or not ("time" in data or "stream" in data or "kubernetes" in data):
        return False
    line.text = text.rstrip("\r\n")
    line.partial = isinstance(data.get("time"), str) and not text.endswith("\n")
    line.stream += str(data.get("stream", ""))
    line.stamp = parse_iso(data["time"]) if isinstance(data.get("time"), str) else line.stamp
    return True


def _take_header(line: Line, at: float | None) -> None:
    text = line.text
    first = text[0]
    fields = parse_json(text) if first == "{" else parse_logfmt(text) if "=" in text else None
    if fields is not None:
        line.text, line.trace = fields.message, fields.trace
        line.headed = not fields.message[:1].isspace()  # some shippers wrap each line of a trace
        line.level = fields.level if fields.level is not None else line.level
        line.stamp = fields.stamp or line.stamp
        return
    if first in "IWEF" and (match := _KLOG.match(text)):
        line.level, line.headed = levels.letter_level(match[1]), True
        year = _year(at)
        line.stamp = parse_iso(f"{year}-{match[2]}-{match[3]}T{match[4]}") if year else line.stamp
        line.text = f"{match[5]}: {match[6]}"
        return
    if text[1:4] == ", [" and (match := _RUBY_LOG.match(text)):
        line.stamp, line.level, line.headed = parse_iso(match[1]), levels.level_of(match[2]), True
        line.text = _TAG.sub("", match[3])
        return
    if "/" in text and " [" in text and (access := _ACCESS.match(text)):
        line.stamp, line.headed = match_time(text[access.end() :])[0], True
        return
    if ":" in text[:8] and first.isdigit() and (match := _REDIS.match(text)):
        line.stamp, line.level, line.headed = match_time(match[1])[0], _REDIS_LEVELS[match[2]], True
        line.text = match[3]
        return
    if first == "[" and (match := _TAG.match(text) or _KERNEL_TIME.match(text)):
        line.headed = text[1] in " 0123456789" and "." in match[0]
        line.text = text[match.end() :]
        return
    stamp, end = None, 0
    if first.isdigit():
        stamp, end = match_time(text)
    elif first in _TIME_STARTS:
        stamp, end = match_time(text, _year(at))
    if end:
        line.stamp, line.headed = stamp or line.stamp, True
        _take_level(line, text[end:])
        return
    if first in _LEVEL_STARTS and (found := levels.AT_START.match(text)):
        line.level, line.headed = levels.level_of(found[found.lastgroup or 0]), True
        line.text = text[found.end() :].lstrip(" \t:|-") or text
        stamp, end = match_time(line.text, _year(at)) if line.text[:3].strip("[(").isdigit() else (None, 0)
        if end:
            line.stamp = stamp or line.stamp
            line.text = line.text[end:].lstrip(" \t:|-") or line.text


def _take_level(line: Line, rest: str) -> None:
    """Take off the level behind a time; ``rest`` is what follows the time."""
    lower = rest[1:2].islower() and levels.LOWER_AFTER_TIME.match(rest[:20])
    found = lower or levels.AFTER_TIME.match(rest[:200])
    if found is None:
        line.text = rest[1:] if rest[:1] in " :|" else rest
        return
    name = found["level"]
    line.level = levels.level_of(name) if len(name) > 1 else levels.letter_level(name)
    line.text = rest[found.end() :].lstrip(" \t:|]-") or rest.strip()
    if ".go:" in line.text and (match := _CALLER.match(line.text)):
        line.text = line.text[match.end() :]
