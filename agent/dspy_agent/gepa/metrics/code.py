"""Whether a bug was mended: the answer is put in its place, compared with what stood there, and tested."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from dspy_agent.gepa.data.syntax import same_code
from dspy_agent.gepa.example import Example, Score
from dspy_agent_core.errors import AgentError

_SECONDS: Final = 60.0
_SHOWN: Final = 3


def metric(example: Example, answer: Any, workspace: Path) -> Score:
    """Score an answer: 1 if the code is right again, less if its tests pass, little if it is unusable."""
    from dspy_agent.edits.answer import Rejected
    from dspy_agent.edits.splice import rewritten
    from dspy_agent.gepa.data.slots import find_slot, with_text

    facts = example.facts
    slot = find_slot(workspace, facts["path"], facts["symbol"], facts["line"])
    broken = with_text(slot, facts["broken"]) if slot and slot.text == facts["right"] else None
    if slot is None or broken is None:
        return Score(0.0, "The code has changed meanwhile.")
    if not getattr(answer, "finished", True):
        return Score(0.0, "The answer was cut at the limit of its length: write the code alone.")
    try:
        data = rewritten(broken, str(answer.answer or ""))
    except Rejected as rejected:
        unchanged = str(rejected) == "it changes nothing"
        return Score(0.1 if unchanged else 0.0, f"The answer can't be used: {rejected}.")
    if same_code(data.decode(slot.source.encoding, "replace"), slot.source.text):
        return Score(1.0, "The bug is mended.")
    wrong = f"The bug was in line {facts['at']} of the code: {_line(facts['broken'], facts['at'])}"
    return _tested(workspace, facts["path"], data, wrong)


def _tested(workspace: Path, path: str, data: bytes, wrong: str) -> Score:
    from dspy_agent.verify.checks import verify

    try:
        found = verify(workspace, {path: data}, seconds=_SECONDS)
    except AgentError as error:
        return Score(0.3, f"It could not be tested ({error.message}). {wrong}")
    if found.syntax:
        return Score(0.0, f"It can't be parsed: {found.syntax[0]}.")
    if found.tests is None or not found.tests.after.ran:
        return Score(0.3, f"It is not what was right before, and no test says more. {wrong}")
    if found.tests.broken:
        names = ", ".join(found.tests.broken[:_SHOWN])
        return Score(0.2, f"These tests fail with it: {names}. {wrong}")
    return Score(0.8, "Its tests pass, though it is not what stood there before.")


def _line(text: str, number: int) -> str:
    return text.split("\n")[number - 1].strip()
