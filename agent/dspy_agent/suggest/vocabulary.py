"""Which kinds of words a task has: each kind is a feature, and is told in the task's own words."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

_TEXTS: Final[Mapping[str, str]] = {
    "logs": """
        error errors exception exceptions crash crashed crashes crashing traceback tracebacks stacktrace log
        logs logged panic panics failing failed fails failure failures incident warning warnings timeout
        timeouts oom killed segfault broke 500 502 503 down ctx outage alert alerts""",
    "layout": """
        structure layout folder folders directory directories tree overview organised organized modules
        architecture repo repository project packages""",
    "setup": """
        install installed setup missing configure configured kubeconfig ollama doctor requirements
        environment""",
    "text": """
        mention mentions mentioned contain contains containing occurrence occurrences grep lines text string
        literal spelled match matches matching regex pattern everywhere every place places todo fixme""",
    "source": """
        defined definition definitions implemented implementation implements source code body print
        signature extract declared""",
    "uses": """
        uses used using use calls call called caller callers imports imported history explain purpose codectx
        depends tests covers does""",
    "how": """
        how does handles handled handle responsible logic decides decide computes computed parses parsed
        happens part function which somewhere esearch""",
    "why": """
        why cause causes caused reason root investigate diagnose debug happened happening intel evidence
        behind""",
    "plan": """
        plan plans steps approach design strategy roadmap migrate migration redesign rework proposal""",
    "list": "ls list listing files",
    "index": "index indexed reindex stale",
    "vectors": """
        vector vectors embedding embeddings embed semantic semantically similar nearest meaning like vretr""",
}
KINDS: Final[Mapping[str, frozenset[str]]] = {kind: frozenset(text.split()) for kind, text in _TEXTS.items()}
_WORD: Final = re.compile(r"\w+")
_QUOTED: Final = re.compile(
    r"[\"“]([^\"”\n]{2,80})[\"”]|(?<!\w)'([^'\n]{2,80})'(?!\w)|(?<!`)`([^`\n]{2,80})`(?!`)"
)
_QUESTION: Final = re.compile(r"(?i)\s*(?:what|why|where|when|which|who|whose|how|is|are|does|do|did|can)\b")
_TIME: Final = re.compile(
    r"(?i)\b(?:last|past)\s+(?:(\d+)\s+)?(second|minute|hour|day|night|week)s?\b|\b(today|yesterday|tonight)\b"
)
_TRACEBACK: Final = re.compile(r"Traceback \(most|^\s+at [\w.$<>]+\(|\w+(?:Error|Exception): ", re.M)


@lru_cache(64)
def said(text: str) -> Mapping[str, tuple[str, ...]]:
    """Return the words of each kind that ``text`` has, in its order."""
    words = list(dict.fromkeys(_WORD.findall(text.lower())))
    return {kind: tuple(word for word in words if word in known) for kind, known in KINDS.items()}


def quoted(text: str) -> str:
    """Return the first text in quotes; "" if there is none."""
    found = _QUOTED.search(text)
    return next(part for part in found.groups() if part).strip() if found else ""


def is_question(text: str) -> bool:
    """Return whether ``text`` asks something."""
    return bool(_QUESTION.match(text)) or text.rstrip().endswith("?")


def has_traceback(text: str) -> bool:
    """Return whether an error was pasted."""
    return bool(_TRACEBACK.search(text))


def since(text: str) -> str:
    """Return the span of time that ``text`` names, as ``ctx --since`` takes it; "" if it names none."""
    found = _TIME.search(text)
    if not found:
        return ""
    if found[3]:
        return "2d" if found[3].lower() == "yesterday" else "1d"
    unit = {"night": "day"}.get(found[2].lower(), found[2].lower())
    count = min(int(found[1] or 1), 999)
    return f"{7 * count}d" if unit == "week" else f"{count}{unit[0]}"
