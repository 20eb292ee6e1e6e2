"""Severities: their order, their many spellings, and what an unmarked line sounds like."""

from __future__ import annotations

import re
from typing import Any, Final

LEVELS: Final = ("trace", "debug", "info", "warning", "error", "critical")
INFO: Final = LEVELS.index("info")
WARNING: Final = LEVELS.index("warning")
ERROR: Final = LEVELS.index("error")
CRITICAL: Final = LEVELS.index("critical")

_NAMES: Final[dict[str, int]] = {
    "trace": 0, "finest": 0, "verbose": 0, "trc": 0, "trce": 0,
    "debug": 1, "dbg": 1, "dbug": 1, "fine": 1, "finer": 1,
    "info": 2, "information": 2, "inf": 2, "notice": 2, "log": 2, "config": 2,
    "warn": 3, "warning": 3, "wrn": 3,
    "error": 4, "err": 4, "severe": 4, "fail": 4, "eror": 4,
    "critical": 5, "crit": 5, "fatal": 5, "ftl": 5, "panic": 5, "emerg": 5, "alert": 5, "emergency": 5,
}  # fmt: skip
_NAMES.update({name.upper(): level for name, level in _NAMES.items()})
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

# What says how severe an unmarked line is, in small letters: each with a text that it always has in it.
_SAYINGS: Final = {
    CRITICAL: (
        ("segmentation fault", r"segmentation fault"),
        ("core dumped", r"core dumped"),
        ("out of memory", r"out of memory"),
        ("oom", r"\boom[- ]?kill"),
        ("panic", r"\bpanic:|kernel panic"),
        ("stack overflow", r"stack overflow"),
    ),
    ERROR: (
        ("error", r"\berrors?\b(?!\s*[=:]\s*(?:0|none|null|nil|false)\b)"),
        ("err!", r"(?<![\w])err!"),
        ("fail", r"\bfail(?:ed|ure)\b"),
        ("fatal", r"\bfatal\b"),
        ("exception", r"exception\b"),
        ("traceback", r"\btraceback\b"),
        ("killed", r"\bkilled\b"),
        ("abort", r"\babort(?:ed|ing)\b"),
        ("cannot", r"\bcannot\b"),
        ("could not", r"\bcould not\b"),
        ("unable to", r"\bunable to\b"),
        ("denied", r"(?:permission|access) denied"),
        ("connection re", r"connection (?:refused|reset)"),
        ("no such file", r"no such file"),
        ("command not found", r"command not found"),
        ("unreachable", r"\bunreachable\b"),
        ("assertion", r"assertion"),
        ('"', r'"\s5\d\d\s'),
    ),
    WARNING: (
        ("warn", r"\bwarn(?:ing)?\b"),
        ("deprecat", r"\bdeprecat"),
        ("time", r"\btimed?[ -]?out\b"),
        ("retry", r"\bretry(?:ing)?\b"),
    ),
}
_PATTERNS: Final = {
    level: tuple((hint, re.compile(pattern)) for hint, pattern in sayings)
    for level, sayings in _SAYINGS.items()
}
_NO_ERROR = re.compile(r"\b(?:0|no|without)\s+(?:errors?|failures?|failed|exceptions?)\b")
# One of these is in every text that a pattern above matches: cheap to rule out most lines.
_LOUD = (
    "err", "fail", "fatal", "exception", "traceback", "kill", "abort", "cannot", "could not", "unable",
    "denied", "refused", "reset", "no such", "not found", "unreach", "assert", '" 5', "segm", "core",
    "memory", "oom", "panic", "overflow", "warn", "deprec", "time", "retry",
)  # fmt: skip


def level_of(value: Any) -> int | None:
    """Return the index in ``LEVELS`` of a level name or of a numeric level (pino, bunyan, Python)."""
    if isinstance(value, str):
        known = _NAMES.get(value)
        return _NAMES.get(value.strip().lower().strip("[]<>():")) if known is None else known
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return max(0, min(5, int(value) // 10 - 1)) if value >= 10 else None
    return None


def letter_level(letter: str) -> int:
    """Return the level of klog's and logcat's one letter."""
    return {"T": 0, "D": 1, "I": 2, "W": 3, "E": 4, "F": 5}[letter]


def sounds_like(text: str) -> int:
    """Return the level that the words of an unmarked line suggest."""
    lowered = text[:2000].lower()
    for word in _LOUD:
        if word in lowered:
            break
    else:
        return INFO
    if _says(CRITICAL, lowered):
        return CRITICAL
    if _says(ERROR, _NO_ERROR.sub("", lowered)):
        return ERROR
    return WARNING if _says(WARNING, lowered) else INFO


def _says(level: int, text: str) -> bool:
    return any(hint in text and pattern.search(text) for hint, pattern in _PATTERNS[level])
