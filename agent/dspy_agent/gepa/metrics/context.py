"""Whether advice on an error fits: it names error and place, cites only what is there, and looks first."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.example import Check, Example, Score, score_of
from dspy_agent.planning.places import Places

_PATH: Final = re.compile(
    r"(?:[\w.-]+/)*[\w-]+\.(?:py|js|ts|tsx|jsx|java|kt|go|rs|rb|php|cs|c|cc|cpp|h|scala)\b"
)
_CHANGES_TEXT: Final = """
    add change correct delete edit fix handle implement increase install modify move refactor remove rename
    replace restart rewrite rollback update upgrade wrap write
"""
_CHANGES: Final = re.compile(rf"(?i)^\W*(?:please |first,? )?(?:{'|'.join(_CHANGES_TEXT.split())})\b")
_COMMON_TEXT: Final = "error failed failure exception while could with that this from have been"
_COMMON: Final = frozenset(_COMMON_TEXT.split())
_MOST_SUMMARY: Final = 240
_LEAST_STEPS: Final = 2


def metric(example: Example, answer: Any, workspace: Path) -> Score:
    """Score advice on one event."""
    facts = example.facts
    summary, points, plan = str(answer.summary or ""), list(answer.key_points or []), list(answer.plan or [])
    said = "\n".join(map(str, [summary, *points, *plan]))
    checks = [
        _named(facts, f"{summary} {' '.join(map(str, points))}"),
        _cited(facts, said, Places(workspace)),
        Check(
            0.2,
            bool(plan) and not _CHANGES.match(str(plan[0])),
            "The first step of the plan must look (open, read, reproduce), not change anything.",
        ),
        Check(
            0.15,
            0.5 * (0 < len(summary) <= _MOST_SUMMARY) + 0.5 * (bool(points) and len(plan) >= _LEAST_STEPS),
            "It should be one short sentence, at least one key point and two steps.",
        ),
    ]
    if facts["path"]:
        name = facts["path"].rpartition("/")[2]
        checks.append(Check(0.2, name in said, f"It does not name the place, {name}."))
    return score_of(checks)


def _named(facts: Any, text: str) -> Check:
    if facts["type"]:
        return Check(
            0.25, facts["type"].lower() in text.lower(), f"It does not name the error, {facts['type']}."
        )
    words = [word for word in re.findall(r"[A-Za-z]{4,}", facts["message"].lower()) if word not in _COMMON]
    told = [word for word in dict.fromkeys(words) if word in text.lower()]
    wanted = max(1, min(3, len(set(words))))
    return Check(0.25, len(told) / wanted, "It does not say what the log says went wrong.")


def _cited(facts: Any, said: str, places: Places) -> Check:
    """Check that each file that is named stands in the event, or is in the workspace."""
    cited = dict.fromkeys(_PATH.findall(said))
    made_up = [path for path in cited if path not in facts["text"] and not places.exists(path)]
    return Check(0.2, not made_up, f"There is no {', '.join(made_up[:3])}: name files as the log does.")
