"""Severities: their order, their many spellings, and what an unmarked line sounds like."""

from __future__ import annotations

import re
from typing import Any, Final

LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical")
INFO: Final = LEVELS.index("info")
WARNING: Final = LEVELS.index("warning")
ERROR: Final = LEVELS.index("error")
CRITICAL: Final = LEVELS.index("critical")

_NAMES: Final = {
    "trace": 0, "finest": 0, "verbose": 0, "trc": 0, "trce": 0,
    "debug": 1, "dbg": 1, "dbug": 1, "fine": 1, "finer": 1,
    "info": 2, "information": 2, "inf": 2, "notice": 2, "log": 2, "config": 2,
    "warn": 3, "warning": 3, "wrn": 3,
    "error": 4, "err": 4, "severe": 4, "fail": 4, "eror": 4,
    "critical": 5, "crit": 5, "fatal": 5, "ftl": 5, "panic": 5, "emerg": 5, "alert": 5, "emergency": 5,
}  # fmt: skip
WORDS = (
    "TRACE|VERBOSE|DEBUG|DBG|INFO|INF|NOTICE|WARNING|WARN|WRN|ERROR|ERR|SEVERE|CRITICAL|CRIT|FATAL|"
    "PANIC|EMERG|ALERT"
)

_LOWER = WORDS.replace("PANIC|", "").lower() + "|fail|dbug|trce"  # `panic: …` is how Go starts a trace

# After a time: up to six tokens (thread, logger, process), then the level.
AFTER_TIME: Final = re.compile(
    rf"""[\s|:,-]*
    (?P<before>(?:[\[(<]?[\w.$:/\#@*=-]{{1,60}}[\])>]?[,:]?\s+(?:[-|:]\s+)?){{0,6}}?)
    [\[(<|]?(?:[a-z][\w-]{{0,30}}\.(?=[A-Z]))?
    (?P<level>{WORDS}|(?<=[\[(<|])(?:{WORDS.lower()})|(?<=[\[(<|])[TDIWEF](?=[\])>|]))\b
    (?:/[\w-]{{1,40}}(?=\]))?[\])>|]?
    """,
    re.VERBOSE,
)
# Winston's own text format: `2026-11-23T10:00:00Z error: …`
LOWER_AFTER_TIME: Final = re.compile(rf" (?P<level>{_LOWER}): ")
AT_START: Final = re.compile(
    rf"""(?:\[(?P<boxed>{WORDS}|{WORDS.lower()})\]|(?P<upper>{WORDS})(?=[:\s\[|-])|(?P<lower>{_LOWER})(?=:\s|\[\w+\]:))""",
    re.VERBOSE,
)

_CRITICAL_WORDS = re.compile(
    r"segmentation fault|core dumped|out of memory|\boom[- ]?kill|\bpanic:|kernel panic|stack overflow", re.I
)
_ERROR_WORDS = re.compile(
    r"""\berrors?\b(?!\s*[=:]\s*(?:0|none|null|nil|false)\b)|(?<![\w])err!|\bfail(?:ed|ure)\b|\bfatal\b|exception\b|\btraceback\b
    |\bkilled\b|\babort(?:ed|ing)\b|\bcannot\b|\bcould\ not\b|\bunable\ to\b|(?:permission|access)\ denied
    |connection\ (?:refused|reset)|no\ such\ file|command\ not\ found|\bunreachable\b|assertion|"\s5\d\d\s""",
    re.I | re.VERBOSE,
)
_NO_ERROR = re.compile(r"\b(?:0|no|without)\s+(?:errors?|failures?|failed|exceptions?)\b", re.I)
_WARNING_WORDS = re.compile(r"\bwarn(?:ing)?\b|\bdeprecat|\btimed?[ -]?out\b|\bretry(?:ing)?\b", re.I)
# One of these is in every text that the patterns above match: cheap to rule out most lines.
_LOUD = (
    "err", "fail", "fatal", "exception", "traceback", "kill", "abort", "cannot", "could not", "unable",
    "denied", "refused", "reset", "no such", "not found", "unreach", "assert", '" 5', "segm", "core",
    "memory", "oom", "panic", "overflow", "warn", "deprec", "time", "retry",
)  # fmt: skip


def level_of(value: Any) -> int | None:
    """Return the index in ``LEVELS`` of a level name or of a numeric level (pino, bunyan, Python)."""
    if isinstance(value, str):
        return _NAMES.get(value.strip().lower().strip("[]<>():"))
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return max(0, min(5, int(value) // 10 - 1)) if value >= 10 else None
    return None


def letter_level(letter: str) -> int:
    """Return the level of klog's and logcat's one letter."""
    return {"T": 0, "D": 1, "I": 2, "W": 3, "E": 4, "F": 5}[letter]


def sounds_like(text: str) -> int:
    """Return the level that the words of an unmarked line suggest."""
    text = text[:2000]
    lowered = text.lower()
    for word in _LOUD:
        if word in lowered:
            break
    else:
        return INFO
    if _CRITICAL_WORDS.search(text):
        return CRITICAL
    if _ERROR_WORDS.search(_NO_ERROR.sub("", text)):
        return ERROR
    return WARNING if _WARNING_WORDS.search(text) else INFO
