"""Every answer of a small model parses: read, repaired, clipped, asked for once more, or refused."""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import dspy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from dspy_agent.model.adapter import SchemaAdapter
from dspy_agent.model.fit import blank, fit
from dspy_agent.model.parse import fields_of
from dspy_agent.model.schema import answer_schema, in_words
from dspy_agent_core.errors import ModelError
from tests.model.kit import GOOD, Pick, opened, pick
from tests.support.fake_model import Answer

Patch = pytest.MonkeyPatch


class Risk(enum.Enum):
    LOW = "low"
    HIGH = "high"


@dataclass
class Place:
    path: str
    line: int = 1


class Step(BaseModel):
    action: Literal["read", "edit", "test"]
    path: Annotated[str, Field(max_length=40)]
    where: Place | None = None


class Everything(dspy.Signature):
    """Fill in everything."""

    task: str = dspy.InputField()
    text: Annotated[str, Field(max_length=20)] = dspy.OutputField()
    yes: bool = dspy.OutputField()
    count: Annotated[int, Field(ge=1, le=9)] = dspy.OutputField()
    share: float = dspy.OutputField()
    risk: Risk = dspy.OutputField()
    steps: Annotated[list[Step], Field(max_length=3)] = dspy.OutputField()
    maybe: str | None = dspy.OutputField()
    names: dict[str, int] = dspy.OutputField()
    any: Any = dspy.OutputField()


WHOLE: dict[str, Any] = {
    "text": "some words",
    "yes": True,
    "count": 3,
    "share": 0.5,
    "risk": "low",
    "steps": [{"action": "read", "path": "a.py", "where": {"path": "a.py", "line": 4}}],
    "maybe": None,
    "names": {"a": 1},
    "any": [1],
}


def _read(**changes: Any) -> dict[str, Any]:
    return fields_of(Everything, json.dumps({**WHOLE, **changes}))


def test_all_kinds_of_fields_come_typed() -> None:
    read = _read()
    assert read["risk"] is Risk.LOW
    assert read["steps"] == [Step(action="read", path="a.py", where=Place("a.py", 4))]
    assert {name: read[name] for name in ("text", "yes", "count", "share", "maybe", "names", "any")} == {
        name: WHOLE[name] for name in ("text", "yes", "count", "share", "maybe", "names", "any")
    }


@pytest.mark.parametrize(
    ("change", "name", "value"),
    [
        ({"text": "w" * 99}, "text", "w" * 20),
        ({"text": 7}, "text", "7"),
        ({"yes": "No."}, "yes", False),
        ({"count": "about 4 of them"}, "count", 4),
        ({"count": 99}, "count", 9),
        ({"share": "0.25"}, "share", 0.25),
        ({"risk": "HIGH"}, "risk", Risk.HIGH),
        ({"risk": "it is low here"}, "risk", Risk.LOW),
        ({"steps": []}, "steps", []),
        ({"steps": [WHOLE["steps"][0]] * 9 + ["x"]}, "steps", [Step(**WHOLE["steps"][0])] * 3),
        ({"steps": WHOLE["steps"][0]}, "steps", [Step(**WHOLE["steps"][0])]),
        ({"steps": [{"action": "fly"}, {"action": "test"}]}, "steps", [Step(action="test", path="")]),
        ({"maybe": "none"}, "maybe", None),
    ],
)
def test_what_nearly_fits_is_made_to_fit(change: dict[str, Any], name: str, value: Any) -> None:
    assert _read(**change)[name] == value


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Here you are:\n{GOOD}\nHope it helps!",
        "{'tool': 'ctx', 'why': 'There is a log.'}",
        '{"tool": "ctx", "why": "There is a log.',
        '{tool: ctx, why: "There is a log."}',
        '[{"Tool": "ctx", "WHY": "There is a log."}]',
        "tool: ctx\nwhy: There is a log.",
        "**Tool:** `ctx`\n**Why:** There is a log.",
    ],
)
def test_answers_in_many_dresses_are_read(text: str) -> None:
    assert fields_of(Pick, text) == {"tool": "ctx", "why": "There is a log."}


def test_one_text_field_needs_no_form() -> None:
    assert fields_of(dspy.Signature("question -> answer"), "Just so.\n") == {"answer": "Just so."}


def test_the_schema_is_tight() -> None:
    schema = answer_schema(Everything)
    fields = schema["properties"]
    assert schema["required"] == [*WHOLE]
    assert "$defs" not in json.dumps(schema)
    assert fields["text"] == {"type": "string", "maxLength": 20}
    assert fields["risk"]["enum"] == ["low", "high"]
    assert fields["steps"]["maxItems"] == 3
    assert fields["steps"]["items"]["required"] == ["action", "path", "where"]
    assert in_words(fields["steps"]).startswith("list of at most 3 {action: read | edit | test, path: text")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=12,
)
SCHEMAS = [*answer_schema(Everything)["properties"].values(), answer_schema(Everything)]


@given(st.sampled_from(SCHEMAS), JSON)
def test_whatever_comes_fits_or_is_refused_and_fits_again(schema: dict[str, Any], value: Any) -> None:
    try:
        fitted = fit(schema, value)
    except ValueError:
        return
    again = fit(schema, fitted)
    assert again == fitted or again != again or json.dumps(again) == json.dumps(fitted)


@given(st.text() | JSON.map(lambda value: json.dumps({"text": value, "steps": value, "yes": value})))
def test_any_text_is_read_without_an_error(text: str) -> None:
    assert fields_of(Everything, text).keys() <= WHOLE.keys()


@given(st.integers(0, 300))
def test_an_answer_cut_anywhere_keeps_what_came(length: int) -> None:
    text = json.dumps(WHOLE)
    read = fields_of(Everything, text[:length])
    assert all(len(str(value)) for value in read.values())
    if length > 40:
        assert read["text"] == "some words"


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "unit", ["{", "[", '{"a":', '"', "\\", "a: ", "{'", "/*,", "<think>", "```", '{"text": "', "\n- "]
)
def test_hostile_answers_hold_nothing_up(unit: str) -> None:
    fields_of(Everything, unit * (40_000 // len(unit)))


def test_blanks_say_nothing() -> None:
    assert blank({"type": "object", "properties": {"a": {"type": "array"}, "b": {"type": "string"}}}) == {
        "a": [],
        "b": "",
    }
    with pytest.raises(ValueError, match="choice"):
        blank({"enum": ["a", "b"]})


def test_a_bad_answer_is_asked_for_once_more(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch, "no idea", GOOD) as (model, server):
        assert pick(model, temperature=0.0, seed=3).tool == "ctx"
    first, second = (request["body"]["options"] for request in server.requests)
    assert (first["temperature"], first["seed"]) == (0.0, 3)
    assert (second["temperature"] > 0, second["seed"]) == (True, 4)


def test_what_is_missing_twice_is_left_empty_if_it_may_be(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch, Answer('{"tool": "ctx", "wh', done="length")) as (model, server):
        picked = pick(model)
    assert (picked.tool, picked.why) == ("ctx", "")
    assert len(server.requests) == 2


@pytest.mark.parametrize("text", ["", "no idea", '{"tool": "fly", "why": "so"}', "{}"])
def test_what_can_not_be_used_is_an_error(text: str, monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch, text) as (model, server), pytest.raises(ModelError) as raised:
        pick(model)
    assert raised.value.code == "ModelAnswer"
    assert len(server.requests) == 2


def test_modules_of_dspy_work_with_it(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch, '{"reasoning": "It says so.", "answer": "4"}') as (model, server):
        with model.answering():
            said = dspy.ChainOfThought("question -> answer: int")(question="2 + 2?")
            picked = dspy.Predict(Pick, n=2)
        assert (said.reasoning, said.answer) == ("It says so.", 4)
        server.answers = [GOOD]
        demo = dspy.Example(task="find it", tool="grep", why="It is code.")
        picked.demos = [demo]
        with model.answering():
            assert len(picked(task="why?").completions.tool) == 2
    roles = [message["role"] for message in server.requests[-1]["body"]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_the_adapter_formats_short_prompts() -> None:
    system, user = SchemaAdapter().format(Pick, [], {"task": "t" * 50})
    assert len(system["content"]) < 200
    assert user["content"] == f"# task\n{'t' * 50}"
