"""Each module that can be trained takes its examples, and its answers are judged."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from gepa.core.adapter import EvaluationBatch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspy_agent.gepa.adapter import ModuleAdapter
from dspy_agent.gepa.budget import Budget
from dspy_agent.gepa.data import context as context_data
from dspy_agent.gepa.example import Example, Score
from dspy_agent.gepa.journal import Journal
from dspy_agent.gepa.metrics import context
from dspy_agent.gepa.run import Options, open_student
from dspy_agent.gepa.tasks import TASKS
from dspy_agent.modules.registry import CLASSES, ModuleName, instructions_of, new_module
from tests.gepa.kit import shop
from tests.support.fake_model import FakeModelServer

ERRORS = (
    "KeyError: 'total'",
    "ValueError: no number",
    "ZeroDivisionError: division by zero",
    "OSError: disk full",
)


def log_of(folder: Path) -> Path:
    lines = []
    for number, error in enumerate(ERRORS):
        lines += [
            f"2026-05-01 10:0{number}:00,000 ERROR shop: order failed",
            "Traceback (most recent call last):",
            f'  File "{folder}/refund.py", line {number + 3}, in total_refund',
            "    found = found + item",
            error,
        ]
    path = folder / "app.log"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shop(tmp_path_factory.mktemp("modules") / "shop", ("invoice", "parcel", "refund"))
    log_of(folder)
    return folder.resolve()


def any_answer(request: dict[str, Any]) -> str:
    """Answer with a value for each field of the form, or with code."""
    body = request["body"]
    form = body.get("format")
    if not isinstance(form, dict):
        return "```python\ndef total_refund(items):\n    return sum(items)\n```"
    return json.dumps(_filled(form, form))


def _filled(part: dict[str, Any], whole: dict[str, Any]) -> Any:
    if "$ref" in part:
        return _filled(whole["$defs"][part["$ref"].rpartition("/")[2]], whole)
    if "const" in part or "enum" in part:
        return part.get("const", part.get("enum", [""])[0])
    if inner := part.get("anyOf") or part.get("oneOf"):
        return _filled(inner[0], whole)
    if part.get("type") == "object":
        return {name: _filled(one, whole) for name, one in part.get("properties", {}).items()}
    if part.get("type") == "array":
        return [_filled(part["items"], whole)]
    return {"string": "words", "boolean": True, "integer": 1, "number": 1.0}.get(
        part.get("type", ""), "words"
    )


@pytest.mark.parametrize("name", list(CLASSES))
def test_a_module_takes_its_examples(
    name: ModuleName, project: Path, home: Path, server: FakeModelServer, tmp_path: Path
) -> None:
    server.answers = [any_answer]
    task = TASKS[name]
    found = list(task.load_examples()(project, (), 20))
    module = new_module(name)
    _, student = open_student(Options(name, project), module)
    adapter = ModuleAdapter(student, Journal(tmp_path / "journal", "run", b"k" * 32), Budget(2))
    start = {task.predictor: instructions_of(module)[task.predictor]}
    judged = adapter.judge(found[0], start)
    assert 0 <= judged["score"] <= 1
    assert not re.match("The answer could not be used|There was no usable", judged["feedback"]), judged[
        "feedback"
    ]
    assert [one["predictor"] for one in judged["steps"]] == [task.predictor]
    batch = EvaluationBatch[dict[str, Any], None](
        outputs=[None], scores=[judged["score"]], trajectories=[judged]
    )
    records = adapter.make_reflective_dataset(start, batch, list(start))
    assert all(part for part in records.values())


def advised(example: Example, summary: str, points: list[str], plan: list[str], project: Path) -> Score:
    return context.metric(example, SimpleNamespace(summary=summary, key_points=points, plan=plan), project)


def test_advice_that_names_what_the_log_does_gets_the_most(project: Path) -> None:
    found = context_data.examples(project, (), 10)
    assert {one.facts["type"] for one in found} == {error.partition(":")[0] for error in ERRORS}
    one = next(one for one in found if one.facts["type"] == "KeyError")
    assert "KeyError" in one.inputs["log"]
    good = advised(
        one,
        "A KeyError stops total_refund.",
        ["refund.py line 3 reads 'total'"],
        ["Open refund.py at line 3", "Run its test"],
        project,
    )
    assert good == (1.0, "Right in all that was checked.")
    hasty = advised(one, "A KeyError in refund.py.", ["x"], ["Fix nowhere.py", "Restart"], project)
    assert hasty.score < 0.7
    assert "There is no nowhere.py" in hasty.feedback
    assert "must look" in hasty.feedback
    assert "does not name the error, KeyError" in advised(one, "It broke.", [], [], project).feedback


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(summary=st.text(), points=st.lists(st.text(max_size=40)), plan=st.lists(st.text(max_size=40)))
def test_any_advice_has_a_score(project: Path, summary: str, points: list[str], plan: list[str]) -> None:
    facts = {"type": "", "message": "no word here", "path": "", "function": "", "text": "ERROR"}
    score = advised(Example("1", "g", facts, dict), summary, points, plan, project)
    assert 0 <= score.score <= 1
