"""Whether the right tool was chosen, with the right argument."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.example import Check, Example, Score, score_of

_WORDS_TOOLS: Final = ("esearch", "intel")


def metric(example: Example, answer: Any, workspace: Path) -> Score:
    """Score a step by its tool and what it is asked for."""
    from dspy_agent.loop.forms import said_in

    facts = example.facts
    step = said_in(answer.step)
    tool = str(step.pop("tool", ""))
    said = " ".join(str(value) for value in step.values() if value)
    best = " or ".join(facts["best"])
    right = 1.0 if tool in facts["best"] else 0.4 if tool in facts["fine"] else 0.0
    checks = [Check(0.6, right, f"{best} was the right tool for this request, not {tool or 'none'}.")]
    if facts["needed"]:
        checks.append(_argument(tool, said, list(facts["needed"]), right))
    return score_of(checks)


def _argument(tool: str, said: str, needed: list[str], right: float) -> Check:
    if not right:
        return Check(0.4, 0.0, "So its argument does not matter.")
    if tool in _WORDS_TOOLS and len(needed) > 1:
        words = set(re.findall(r"[a-z]{4,}", said.lower()))
        share = sum(word in words for word in needed) / len(needed)
        return Check(
            0.4, min(1.0, share / 0.5), "The query should have the words that tell what is searched for."
        )
    exact = needed[0].lower() in said.lower()
    longer = len(said) > 2 * len(needed[0]) + 12
    fault = "has more in it than that" if exact else f"should be {needed[0]!r}"
    return Check(
        0.4, 0.5 if exact and longer else float(exact), f"The argument of {tool} {fault}, not {said[:80]!r}."
    )
