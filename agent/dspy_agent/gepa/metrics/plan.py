"""Whether a plan fits the change that was made: its files, known commands, and a look before a change."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.example import Check, Example, Score, score_of
from dspy_agent.planning.checks import checked
from dspy_agent.planning.commands import Commands
from dspy_agent.planning.places import Places
from dspy_agent.planning.step import Step

_LOOKS: Final = ("read", "search")
_MOST_STEPS: Final = 5
_SHOWN: Final = 3


def metric(example: Example, answer: Any, workspace: Path) -> Score:
    """Score a plan by the files that the commit of its task changed."""
    said = list(answer.steps or [])
    offered = list(example.inputs["files"])
    places = Places(workspace, offered)
    steps, notes = checked(said, places, Commands(workspace, places), example.inputs["task"])
    if not steps:
        return Score(0.0, "No step can be taken: name files of the evidence and commands that are here.")
    return score_of(
        [
            _files(steps, [path for path in example.facts["files"] if path in offered]),
            Check(0.2, len(steps) / max(1, len(said)) - 0.2 * bool(notes), _left_out(notes)),
            Check(
                0.15, any(step.action in ("test", "run") for step in steps), "No step runs a test or a check."
            ),
            Check(
                0.15, steps[0].action in _LOOKS, "The first step must read or search: it changes nothing yet."
            ),
            Check(
                0.1,
                2 <= len(steps) <= _MOST_STEPS,
                f"A plan has 2 to {_MOST_STEPS} different steps, not {len(steps)}.",
            ),
        ]
    )


def _files(steps: list[Step], wanted: list[str]) -> Check:
    """Compare the files that steps name with those that were changed, as far as the evidence shows them."""
    named = {step.path for step in steps if step.path}
    if not wanted:
        return Check(0.1, bool(named), "No step names a file.")
    missed = [path for path in wanted if path not in named]
    others = sorted(named - set(wanted))
    recall, precision = 1 - len(missed) / len(wanted), (len(wanted) - len(missed)) / max(1, len(named))
    edits = any(step.action == "edit" and step.path in wanted for step in steps)
    said = [f"The change was made in {', '.join(missed[:_SHOWN])}: no step names it."] if missed else []
    said += [f"{', '.join(others[:_SHOWN])} was not needed."] if others and precision < 0.5 else []
    said += [] if edits else ["No step edits the file that had to be changed."]
    holds = 0.6 * recall + 0.15 * min(1.0, 2 * precision) + 0.25 * edits
    return Check(0.4, holds, " ".join(said))


def _left_out(notes: list[str]) -> str:
    return f"Not usable as it stands: {'; '.join(notes[:_SHOWN])}."
