"""The loop with a scripted model and real tools: what it shows, when it stops, what it answers."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dspy_agent.loop.limits import Limits
from dspy_agent.loop.trajectory import read
from dspy_agent_core.errors import ModelError
from tests.loop.kit import Scripted, about, asked, converse, fields_wanted, names_of, step, tools_offered
from tests.support.fake_model import Answer, FakeModelServer


def test_a_task_is_carried_out_and_answered(fake_model: FakeModelServer, workspace: Path) -> None:
    script = Scripted(step("grep", pattern="def parse_date"), step("extract", symbol="parse_date"))
    talk, told = converse(fake_model, workspace, "where is parse_date defined?", script)
    assert [one.command for one in talk.steps] == ["grep 'def parse_date'", "extract parse_date"]
    assert all(one.found for one in talk.steps)
    assert talk.stopped == "answered"
    assert talk.summary == "It is in src/dates.py [1]."
    assert talk.evidence[0].places == ["src/dates.py:1"]
    assert talk.next
    assert re.search(r"suggested tool: extract \(0\.\d\d, because parse_date is defined here\)", told)
    assert "the model takes grep: it fits" in told
    assert "$ grep 'def parse_date'" in told
    assert "summary: It is in src/dates.py [1]." in told


def test_the_suggested_step_is_taken_as_it_stands(fake_model: FakeModelServer, workspace: Path) -> None:
    talk, told = converse(fake_model, workspace, "where is parse_date defined?", Scripted(step("suggested")))
    assert [one.command for one in talk.steps] == ["extract parse_date"]
    assert talk.steps[0].found
    assert "the model agrees: it fits" in told
    assert "suggested" in tools_offered(fake_model, 0)


@pytest.mark.parametrize("choice", ["no JSON", json.dumps({"why": "x", "step": {"tool": "launch"}})])
def test_a_choice_that_fits_no_tool_gives_way_to_the_suggested_step(
    fake_model: FakeModelServer, workspace: Path, choice: str
) -> None:
    script = Scripted(*[choice] * 3)
    talk, told = converse(fake_model, workspace, "where is parse_date defined?", script)
    assert talk.steps[0].command == "extract parse_date"
    assert "the model's choice can't be taken: the suggested step instead\n$ extract parse_date\n" in told


def test_what_was_seen_reaches_the_model_as_data_and_cut(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    (workspace / "src" / "long.py").write_text(
        "".join(f"needle_{n} = 'password=hunter2{n}'\n" for n in range(500))
    )
    converse(fake_model, workspace, "what is needle_1?", Scripted(step("grep", pattern="needle_")))
    prompt = asked(fake_model, 1)
    assert re.search(r"\[1\] grep needle_\n<seen-\w+>\n", prompt)
    assert "characters left out" in prompt
    assert "hunter2" not in prompt
    assert len(prompt) < 5000


def test_arguments_are_typed_by_tool(fake_model: FakeModelServer, workspace: Path) -> None:
    converse(fake_model, workspace, "where is parse_date defined?", Scripted(step("tree", path="src")))
    forms = {
        name: set(form["properties"]) - {"tool"}
        for form in fields_wanted(about(fake_model)[0])["step"]["anyOf"]
        for name in names_of(form)
    }
    assert forms["grep"] == {"pattern"}
    assert forms["extract"] == {"symbol"}
    assert forms["tree"] == {"path"}
    assert forms["intel"] == forms["esearch"] == {"query"}
    assert forms["ctx"] == set()


def test_the_model_may_not_answer_before_anything_was_seen(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    converse(fake_model, workspace, "where is parse_date defined?", Scripted(step("tree", path="src")))
    assert "answer" not in tools_offered(fake_model, 0)
    assert "answer" in tools_offered(fake_model, 1)


def test_an_error_of_a_tool_is_seen_not_the_end(fake_model: FakeModelServer, workspace: Path) -> None:
    script = Scripted(step("codectx", target="no/such.py"), step("extract", symbol="parse_date"))
    talk, _ = converse(fake_model, workspace, "what does parse_date do?", script)
    assert [(one.chosen, one.found) for one in talk.steps] == [("codectx", False), ("extract", True)]
    assert "error: " in asked(fake_model, 1)
    assert talk.stopped == "answered"


def test_it_stops_at_the_same_step_again(fake_model: FakeModelServer, workspace: Path) -> None:
    again = step("extract", symbol="parse_date")
    talk, _ = converse(fake_model, workspace, "what does parse_date do?", Scripted(again, again, again))
    assert talk.stopped == "the same step again: extract parse_date"
    assert len(talk.steps) == 1
    assert talk.summary


def test_it_stops_after_three_failures(fake_model: FakeModelServer, workspace: Path) -> None:
    script = Scripted(*(step("codectx", target=f"no/{n}.py") for n in range(9)))
    talk, _ = converse(fake_model, workspace, "what does parse_date do?", script)
    assert talk.stopped == "3 steps in a row failed"
    assert len(talk.steps) == 3


@pytest.mark.parametrize(
    ("limits", "steps", "why"),
    [
        (Limits(steps=2), 2, "2 steps were taken"),
        (Limits(steps=0), 0, "0 steps were taken"),
        (Limits(tokens=150), 1, "150 tokens are used"),
        (Limits(seconds=0.0), 0, "0 seconds are over"),
    ],
)
def test_the_limits_are_hard(
    fake_model: FakeModelServer, workspace: Path, limits: Limits, steps: int, why: str
) -> None:
    script = Scripted(*(step("grep", pattern=f"parse{n}") for n in range(9)))
    talk, _ = converse(fake_model, workspace, "what does parse_date do?", script, limits=limits)
    assert (len(talk.steps), talk.stopped) == (steps, why)


def test_time_that_is_over_ends_a_choice_in_the_middle(fake_model: FakeModelServer, workspace: Path) -> None:
    slow = Scripted(*[Answer(step("grep", pattern="x"), pause=0.3)] * 9)
    talk, _ = converse(fake_model, workspace, "what is parse_date?", slow, limits=Limits(seconds=0.5))
    assert talk.steps == []
    assert talk.stopped == "0.5 seconds are over"


def test_a_made_up_citation_is_taken_out(fake_model: FakeModelServer, workspace: Path) -> None:
    script = Scripted(step("extract", symbol="parse_date"), text="It splits the text [7], see [1].")
    talk, _ = converse(fake_model, workspace, "what does parse_date do?", script)
    assert talk.summary == "It splits the text , see [1]." or "[7]" not in talk.summary
    assert [one.number for one in talk.evidence] == [1]


def test_a_model_that_fails_ends_it_with_its_error_and_a_trajectory(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    script = Scripted(step("extract", symbol="parse_date"), Answer("no", status=400))
    with pytest.raises(ModelError):
        converse(fake_model, workspace, "what does parse_date do?", script)
    (path,) = (workspace / ".dspy_trajectories").iterdir()
    kinds = [record["kind"] for record in read(path)]
    assert kinds == ["task", "step", "end"]
    assert list(read(path))[-1]["stopped"] == "ModelRefused"


def test_the_trajectory_tells_suggested_and_chosen(fake_model: FakeModelServer, workspace: Path) -> None:
    talk, _ = converse(
        fake_model, workspace, "where is parse_date defined?", Scripted(step("tree", path="src"))
    )
    assert talk.trajectory
    task, taken, end = list(read(workspace / talk.trajectory))[-3:]
    assert task["task"] == "where is parse_date defined?"
    assert taken["suggested"]["tool"] == "extract"
    assert (taken["chosen"], taken["arguments"]) == ("tree", {"path": "src"})
    assert (taken["ran"], taken["found"]) == (True, True)
    assert taken["result"]["digest"]
    assert taken["tokens"] > 0
    assert (end["stopped"], end["summary"]) == ("answered", talk.summary)


def test_lessons_and_instructions_are_in_the_prompt(fake_model: FakeModelServer, workspace: Path) -> None:
    from dspy_agent.memory.store import remember

    (workspace / "AGENTS.md").write_text("Dates are ISO 8601.")
    remember(workspace, "fact", "parse_date is also used by the importer")
    converse(
        fake_model, workspace, "what does parse_date do?", Scripted(step("extract", symbol="parse_date"))
    )
    for number in range(2):
        assert "Dates are ISO 8601." in asked(fake_model, number)
        assert "also used by the importer" in asked(fake_model, number)


def test_events_tell_what_was_suggested_and_what_was_chosen(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    from tests.learning.kit import events

    script = Scripted(step("esearch", query="parse a date"), step("codectx", target="nothing/here"))
    converse(fake_model, workspace, "where is parse_date defined?", script)
    first, second = [event for event in events(workspace) if "suggested" in event.outcome]
    assert (first.tool, first.policy.name, first.policy.version) == ("esearch", "model", "small")
    assert first.outcome["suggested"] == "extract"
    assert first.outcome["agreed"] is False
    assert first.features["names_symbol"] == 1.0
    assert "run" in first.mask
    assert second.outcome["error"] == "PathNotFound"


def test_a_conversation_that_goes_on_knows_the_last_one(
    fake_model: FakeModelServer, workspace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from dspy_agent.tools.base import ToolContext
    from dspy_agent.tools.chat import run
    from dspy_agent.tools.think_arguments import ChatArguments

    converse(fake_model, workspace, "where is parse_date?", Scripted(step("extract", symbol="parse_date")))
    fake_model.answers = [Scripted(step("ctx"))]
    run(ChatArguments(["and who calls it?"], goes_on=True), ToolContext(workspace))
    assert "Before that the task was: where is parse_date?" in asked(fake_model)
    assert "The answer was: It is in src/dates.py [1]." in asked(fake_model)
    assert "$ ctx" in capsys.readouterr().err


def test_instead_of_a_repeated_step_the_suggested_one_is_taken(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    script = Scripted(step("grep", pattern="nothing_here"), step("grep", pattern="nothing_here"))
    talk, told = converse(fake_model, workspace, "where is parse_date defined?", script)
    assert [one.command for one in talk.steps] == ["grep nothing_here", "extract parse_date"]
    assert "the suggested step instead" in told
    assert talk.stopped == "answered"


def test_an_answer_ends_where_the_model_goes_on_with_observations_of_its_own(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    converse(fake_model, workspace, "where is parse_date defined?", Scripted(step("suggested")))
    assert about(fake_model)[-1]["body"]["options"]["stop"] == ["<seen-"]


def test_a_step_that_the_answer_cites_has_earned_something(
    fake_model: FakeModelServer, workspace: Path
) -> None:
    from tests.learning.kit import events

    script = Scripted(
        step("esearch", query="parse a date"),
        step("extract", symbol="parse_date"),
        text="It splits the text [2].",
    )
    converse(fake_model, workspace, "what does parse_date do?", script)
    (cited,) = [event for event in events(workspace) if event.outcome.get("use") == "cited"]
    (extracted,) = [event for event in events(workspace) if event.id == cited.decision_id]
    assert (cited.tool, extracted.tool) == ("extract", "extract")
    assert cited.args_hash == extracted.args_hash
    assert cited.reward == 0.4
