"""A metric gives any answer a score from 0 to 1 and words; the right answer gets the most."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dspy_agent.gepa.data import code as code_data
from dspy_agent.gepa.data import plan as plan_data
from dspy_agent.gepa.example import Example, Score
from dspy_agent.gepa.metrics import code, plan, router
from tests.gepa.kit import shop

TEXT = st.one_of(
    st.text(max_size=60), st.sampled_from(["", "refund.py", "tests/test_refund.py", "ls", "pytest"])
)
STEPS = st.lists(
    st.fixed_dictionaries(
        {
            "action": st.sampled_from(["read", "search", "edit", "test", "run", "dance"]),
            "path": TEXT,
            "command": TEXT,
            "risk": TEXT,
            "check": TEXT,
        }
    ),
    max_size=7,
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return shop(tmp_path_factory.mktemp("metrics") / "shop", ("invoice", "parcel", "refund"))


def step(action: str, path: str = "", command: str = "") -> dict[str, str]:
    return {"action": action, "path": path, "command": command, "risk": "low", "check": "it works"}


def planned(project: Path, *steps: Any) -> Score:
    example = plan_data.examples(project, (), 5)[0]
    return plan.metric(example, SimpleNamespace(summary="", steps=list(steps)), project)


def test_a_plan_that_fits_the_change_gets_the_most(project: Path) -> None:
    steps = [
        step("read", "refund.py"),
        step("edit", "refund.py"),
        step("edit", "tests/test_refund.py"),
        step("test", "", "python -m pytest tests/test_refund.py"),
    ]
    best = planned(project, *steps)
    assert best == (1.0, "Right in all that was checked.")
    assert planned(project, *steps[1:]).score < 1.0
    assert "changes nothing yet" in planned(project, *steps[1:]).feedback
    missed = planned(project, step("read", "invoice.py"), step("edit", "invoice.py"))
    assert missed.score < 0.6
    assert "refund.py" in missed.feedback
    unknown = planned(project, *steps, step("edit", "nowhere.py"), step("run", "", "frobnicate --all"))
    assert "frobnicate" in unknown.feedback
    assert planned(project) == (
        0.0,
        "No step can be taken: name files of the evidence and commands that are here.",
    )


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(steps=STEPS)
def test_any_plan_has_a_score(project: Path, steps: list[dict[str, str]]) -> None:
    score = planned(project, *steps)
    assert 0 <= score.score <= 1
    assert score.feedback


def routed(tool: str, needed: list[str], **said: Any) -> Score:
    facts = {"task": "t", "best": ["esearch", "intel"], "fine": ["grep"], "needed": needed}
    example = Example("1", "g", facts, dict)
    return router.metric(example, SimpleNamespace(why="", step={"tool": tool, **said}), Path())


def test_the_right_tool_with_the_right_words_gets_the_most() -> None:
    words = ["refund", "total", "counts"]
    assert routed("esearch", words, query="refund total").score == 1.0
    assert routed("esearch", words, query="something").score == 0.6
    wrong = routed("ctx", words)
    assert wrong.score == 0.0
    assert "esearch or intel was the right tool" in wrong.feedback
    assert 0 < routed("grep", ["refund"], pattern="refund").score < 1


def mended(project: Path, answer: str) -> Score:
    example = next(one for one in code_data.examples(project, (), 9) if one.group == "refund.py")
    return code.metric(example, SimpleNamespace(answer=answer, finished=True), project)


RIGHT = """\
def total_refund(items):
    found = 0
    for item in items:
        found = found + item
    return found
"""


def test_a_mended_bug_gets_the_most_and_tests_tell_the_rest(project: Path) -> None:
    assert mended(project, f"```python\n{RIGHT}```") == (1.0, "The bug is mended.")
    other = mended(project, "```python\ndef total_refund(items):\n    return sum(items)\n```")
    assert other.score == 0.8, other
    failing = mended(project, "```python\ndef total_refund(items):\n    return 7\n```")
    assert failing.score == 0.2, failing
    assert "test_total_refund" in failing.feedback


@pytest.mark.parametrize(
    "said", ["", "I can't.", "```python\ndef (:\n```", "```python\ndef other():\n    pass\n```"]
)
def test_an_answer_without_the_function_gets_nothing(project: Path, said: str) -> None:
    score = mended(project, said)
    assert score.score == 0.0
    assert score.feedback.startswith("The answer can't be used: ")


def test_code_that_changed_meanwhile_is_told(home: Path, tmp_path: Path) -> None:
    changed = shop(tmp_path / "changed", ("refund",), history=False)
    example = code_data.examples(changed, (), 9)[0]
    (changed / "refund.py").write_text("x = 1\n")
    score = code.metric(example, SimpleNamespace(answer=RIGHT), changed)
    assert score == (0.0, "The code has changed meanwhile.")
