"""Chooses the tool for a task in plain words.

A fixed linear policy over a few facts, turned into shares by a softmax: what a learning policy takes the
place of, behind the same protocol.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from dspy_agent.session.facts import Facts, looks_like_code


@dataclass(frozen=True, slots=True)
class Request:
    """A task in plain words, where it is to be done, and the tools that may be chosen."""

    text: str
    workspace: Path
    logs: tuple[Path, ...]
    tools: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tool for a request: its share of the score (0..1), why, and its filled-in words."""

    tool: str
    score: float
    because: str
    words: tuple[str, ...]


class Suggester(Protocol):
    """What chooses a tool."""

    def suggest(self, request: Request) -> list[Suggestion]:
        """Return the tools that fit ``request``, best first."""
        ...


@dataclass(frozen=True, slots=True)
class _Reason:
    weight: float
    because: str


_LOG_TEXT: Final = """
    error errors exception exceptions crash crashed crashes crashing traceback stacktrace log logs
    panic panics failing failed fails failure failures incident warning warnings timeout timeouts
    oom killed segfault broke 500 down
"""
_LAYOUT_TEXT: Final = """
    structure layout folder folders directory directories tree overview organised organized modules
    architecture repo repository project
"""
_SETUP_TEXT: Final = "install installed setup missing configure kubeconfig ollama doctor requirements"
_LOG_WORDS: Final = frozenset(_LOG_TEXT.split())
_LAYOUT_WORDS: Final = frozenset(_LAYOUT_TEXT.split())
_SETUP_WORDS: Final = frozenset(_SETUP_TEXT.split())
_TEMPERATURE: Final = 1.0


class LinearSuggester:
    """Scores each tool by what the words name: logs, a path, a symbol, or text that the code holds."""

    def suggest(self, request: Request) -> list[Suggestion]:
        """Return the tools that fit ``request``, best first."""
        facts = Facts(request.text, request.workspace, request.logs)
        scored: list[tuple[str, tuple[str, ...], list[_Reason]]] = [
            ("ctx", ("ctx",), _for_ctx(facts)),
            ("tree", ("tree", "--depth", "2"), _for_tree(facts)),
            ("doctor", ("doctor",), _for_doctor(facts)),
        ]
        if facts.path:
            scored.append(
                ("codectx", ("codectx", facts.path), [_Reason(3.0, f"{facts.path} is a file here")])
            )
        if facts.symbol:
            reason = [_Reason(2.6, f"{facts.symbol} is defined here")]
            scored.append(("extract", ("extract", facts.symbol), reason))
        if facts.words:
            scored.append(("esearch", ("esearch", "--query", request.text), _for_esearch(facts)))
            scored.append(("intel", ("intel", "--query", request.text), _for_intel(facts)))
        if facts.rarest:
            scored.append(("grep", ("grep", "-w", "-F", "--", facts.rarest[0]), _for_grep(facts.rarest)))
        usable = [entry for entry in scored if entry[0] in request.tools]
        return _ranked(usable)


def _for_ctx(facts: Facts) -> list[_Reason]:
    reasons = []
    if said := facts.said(_LOG_WORDS):
        reasons.append(_Reason(1.5 + 0.5 * min(len(said), 3), f"you said {', '.join(said[:3])}"))
        if facts.has_logs:
            reasons.append(_Reason(1.0, "there are logs"))
    elif facts.has_logs:
        reasons.append(_Reason(0.2, "there are logs"))
    return reasons if facts.has_logs or said else []


def _for_tree(facts: Facts) -> list[_Reason]:
    said = facts.said(_LAYOUT_WORDS)
    reasons = [_Reason(0.1, "nothing in the words is found here")] if not facts.rarest else []
    return (
        [*reasons, _Reason(1.0 + 0.7 * min(len(said), 3), f"you said {', '.join(said[:3])}")]
        if said
        else reasons
    )


def _for_doctor(facts: Facts) -> list[_Reason]:
    said = facts.said(_SETUP_WORDS)
    return [_Reason(0.8 + 0.6 * min(len(said), 3), f"you said {', '.join(said[:3])}")] if said else []


def _for_esearch(facts: Facts) -> list[_Reason]:
    named = [word for word in facts.words if looks_like_code(word)]
    words = len(facts.words)
    reasons = [_Reason(1.3 + 0.35 * min(words, 4), f"{words} of your words say what the code is about")]
    return [*reasons, _Reason(-0.6, f"{named[0]} looks like a name")] if named else reasons


def _for_intel(facts: Facts) -> list[_Reason]:
    said = facts.said(_LOG_WORDS)
    if not said or len(facts.words) < 2:
        return [_Reason(1.2, "callers, tests and log events may tell more")] if len(facts.words) > 1 else []
    return [_Reason(1.6 + 0.4 * min(len(said), 2), f"code and logs may both tell of {', '.join(said[:2])}")]


def _for_grep(rarest: tuple[str, int]) -> list[_Reason]:
    word, count = rarest
    rarity = 1.0 / math.log2(2 + count)
    looks_like_code = 0.8 if not word.isalpha() or not word.islower() else 0.0
    lines = "1 line has" if count == 1 else f"{count} lines have"
    return [_Reason(1.2 + rarity + looks_like_code, f"{lines} {word}, the rarest of your words")]


def _ranked(scored: list[tuple[str, tuple[str, ...], list[_Reason]]]) -> list[Suggestion]:
    """Turn sums of weights into shares that add up to 1 (with a share for "none of these")."""
    sums = {tool: sum(reason.weight for reason in reasons) for tool, _, reasons in scored if reasons}
    whole = sum(math.exp(value / _TEMPERATURE) for value in sums.values()) + 1.0
    found = [
        Suggestion(
            tool,
            math.exp(sums[tool] / _TEMPERATURE) / whole,
            ", ".join(r.because for r in sorted(reasons, key=lambda r: -r.weight)),
            words,
        )
        for tool, words, reasons in scored
        if reasons
    ]
    return sorted(found, key=lambda suggestion: -suggestion.score)
