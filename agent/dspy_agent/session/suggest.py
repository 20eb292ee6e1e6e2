"""Chooses the tool for a task in plain words.

A fixed linear policy over a few facts, turned into shares by a softmax: what a learning policy takes the
place of, behind the same protocol. In a conversation it is asked before each step, with what was seen.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol

from dspy_agent.session.facts import Facts, looks_like_code
from dspy_agent.session.seen import Seen, follow_ups


@dataclass(frozen=True, slots=True)
class Request:
    """A task in plain words, where it is to be done, and the tools that may be chosen.

    ``seen`` are the steps that were taken for it, ``changes`` the kinds of change that it asks for, ``mask``
    the tools that can't be chosen now; ``facts`` what its words name, if that was looked up before.
    """

    text: str
    workspace: Path
    logs: tuple[Path, ...]
    tools: tuple[str, ...]
    seen: tuple[Seen, ...] = ()
    changes: frozenset[str] = frozenset()
    mask: tuple[str, ...] = ()
    facts: Facts | None = None


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tool for a request: its share of the score (0..1), why, and its filled-in words.

    ``features`` are what the policy knew, by name; the same for all suggestions of a request.
    """

    tool: str
    score: float
    because: str
    words: tuple[str, ...]
    features: Mapping[str, float] = field(default_factory=dict)


class Suggester(Protocol):
    """What chooses a tool."""

    @property
    def policy(self) -> tuple[str, str]:
        """Its name and version, as learning events tell them."""
        ...

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

    policy = ("linear", "2")

    def suggest(self, request: Request) -> list[Suggestion]:
        """Return the tools that fit ``request``, best first; no step that was taken is suggested again."""
        facts = request.facts or Facts(request.text, request.workspace, request.logs)
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
        scored = [(tool, words, _rested(tool, reasons, request.seen)) for tool, words, reasons in scored]
        follows = follow_ups(request.seen, request.changes)
        scored += [(one.words[0], one.words, [_Reason(one.weight, one.because)]) for one in follows]
        taken = {step.words for step in request.seen}
        usable = [
            entry
            for entry in scored
            if entry[0] in request.tools and entry[0] not in request.mask and entry[1] not in taken
        ]
        return _ranked(usable, _features(facts, request))


def _rested(tool: str, reasons: list[_Reason], seen: tuple[Seen, ...]) -> list[_Reason]:
    """Let a tool that ran for this task rest."""
    ran = sum(step.tool == tool for step in seen)
    return [*reasons, _Reason(-1.5 * ran, f"it ran {ran}×")] if ran and reasons else reasons


def _features(facts: Facts, request: Request) -> dict[str, float]:
    return {
        "says_logs": float(len(facts.said(_LOG_WORDS))),
        "says_layout": float(len(facts.said(_LAYOUT_WORDS))),
        "says_setup": float(len(facts.said(_SETUP_WORDS))),
        "has_logs": float(facts.has_logs),
        "names_path": float(facts.path is not None),
        "names_symbol": float(facts.symbol is not None),
        "words": float(len(facts.words)),
        "rarity": 1.0 / (1 + facts.rarest[1]) if facts.rarest else 0.0,
        "steps": float(len(request.seen)),
        "steps_found": float(sum(step.found for step in request.seen)),
        "asks_edit": float("edit" in request.changes),
        "asks_run": float("run" in request.changes),
    }


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


def _ranked(
    scored: list[tuple[str, tuple[str, ...], list[_Reason]]], features: Mapping[str, float]
) -> list[Suggestion]:
    """Turn sums of weights into shares that add up to 1 (and one for "none of these"), one of each tool."""
    best: dict[str, tuple[float, tuple[str, ...], list[_Reason]]] = {}
    for tool, words, reasons in scored:
        total = sum(reason.weight for reason in reasons)
        if reasons and (tool not in best or total > best[tool][0]):
            best[tool] = (total, words, reasons)
    whole = sum(math.exp(total / _TEMPERATURE) for total, _, _ in best.values()) + 1.0
    found = [
        Suggestion(
            tool,
            math.exp(total / _TEMPERATURE) / whole,
            ", ".join(
                r.because
                for r in sorted(reasons, key=lambda r: -r.weight)
                if r.weight > 0 or len(reasons) == 1
            ),
            words,
            features,
        )
        for tool, (total, words, reasons) in best.items()
    ]
    return sorted(found, key=lambda suggestion: -suggestion.score)
