"""What is noted of a step: for the suggester, for the trajectory, and for learning."""

from __future__ import annotations

import shlex
from pathlib import PurePosixPath
from typing import Any, Final

from dspy_agent.loop.act import Done
from dspy_agent.loop.approval import Verdict
from dspy_agent.loop.observe import Observation
from dspy_agent.loop.step import Step
from dspy_agent.suggest.request import Suggestion
from dspy_agent.suggest.seen import Seen

_FEW: Final = 3
_PROSE: Final = frozenset({".md", ".rst", ".txt", ".adoc", ""})


def seen_of(command: str, done: Done) -> Seen:
    """Return the step as the suggester sees it."""
    hits = getattr(done.result, "hits", None) or ()
    symbols = dict.fromkeys(hit.symbol for hit in hits if hit.symbol)
    named = [hit.path for hit in hits] or [place.rpartition(":")[0] or place for place in done.places]
    paths = sorted(dict.fromkeys(named), key=_is_prose)
    return Seen(tuple(shlex.split(command)), done.found, tuple(symbols)[:_FEW], tuple(paths)[:_FEW])


def _is_prose(path: str) -> bool:
    """Return whether a file tells of the code rather than being it: the code is opened first."""
    return PurePosixPath(path).suffix.lower() in _PROSE


def outcome_of(
    number: int, suggestion: Suggestion | None, done: Done, ran: bool, tokens: int
) -> dict[str, Any]:
    """Return what a learning event tells beside the usual: suggested and chosen."""
    return {
        "step": number,
        "suggested": suggestion.tool if suggestion else "",
        "suggested_score": round(suggestion.score, 4) if suggestion else 0.0,
        "agreed": suggestion is not None and suggestion.tool == done.tool.name,
        "ran": ran,
        "tokens": tokens,
    }


def record_of(
    step: Step, suggestion: Suggestion | None, verdict: Verdict | None, one: Observation, tokens: int
) -> dict[str, Any]:
    """Return the step's record in the trajectory."""
    suggested = None
    if suggestion is not None:
        suggested = {"tool": suggestion.tool, "score": suggestion.score, "because": suggestion.because}
    return {
        "number": step.number,
        "suggested": suggested,
        "chosen": step.chosen,
        "arguments": step.arguments,
        "command": step.command,
        "ran": step.ran,
        "found": step.found,
        "approval": {"runs": verdict.runs, "by": verdict.by, "why": verdict.why} if verdict else None,
        "result": {
            "digest": one.digest,
            "characters": len(one.text),
            "note": step.note,
            "places": one.places,
        },
        "tool_ms": step.tool_ms,
        "model_ms": step.model_ms,
        "overhead_ms": step.overhead_ms,
        "tokens": tokens,
    }
