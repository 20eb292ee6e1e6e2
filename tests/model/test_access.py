"""Model access: one way to a model, from both kinds of server."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import dspy
import pytest

from dspy_agent_core.errors import ModelError
from tests.model.kit import GOOD, KINDS, opened, pick
from tests.support.fake_model import Answer

Patch = pytest.MonkeyPatch


@pytest.mark.parametrize("kind", KINDS)
def test_a_module_gets_typed_fields_and_its_use_is_counted(kind: str, monkeypatch: Patch) -> None:
    said: list[str] = []
    with opened(kind, monkeypatch, GOOD) as (model, _):
        picked = pick(model, on_text=said.append)
    assert (picked.tool, picked.why) == ("ctx", "There is a log.")
    assert "".join(said) == GOOD
    assert (model.usage.calls, model.usage.answer_tokens) == (1, 7)
    assert model.usage.prompt_tokens > 0


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_asked_holds_the_schema_the_limits_and_the_words(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, GOOD) as (model, server):
        pick(model, answer_tokens=77, temperature=0.25, seed=5)
    body = server.requests[0]["body"]
    if kind == "ollama":
        schema, asked = body["format"], body["options"]
        assert (asked["num_predict"], asked["temperature"], asked["seed"]) == (77, 0.25, 5)
        assert asked["num_ctx"] == model.traits.context_tokens
        assert (body["truncate"], body["keep_alive"]) == (False, "30m")
    else:
        schema = body["response_format"]["json_schema"]["schema"]
        assert (body["max_tokens"], body["temperature"], body["seed"]) == (77, 0.25, 5)
        assert server.requests[0]["headers"]["Authorization"] == "Bearer k3y-of-tests"
    assert schema["properties"]["tool"]["enum"] == ["grep", "ctx"]
    system, user = body["messages"]
    assert "Pick a tool." in system["content"]
    assert "why does it fail?" in user["content"]


@pytest.mark.parametrize("kind", KINDS)
def test_plain_text_goes_on_where_it_was_begun(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer(" add(a, b):", done="length")) as (model, server):
        completion = model.complete("Write.", "add", answer_tokens=9, prefill="def", stop=["END"])
    assert completion.text == "def add(a, b):"
    assert not completion.finished
    assert server.requests[0]["body"]["messages"][-1] == {"role": "assistant", "content": "def"}


def test_a_server_that_begins_anew_does_not_double_what_was_begun(monkeypatch: Patch) -> None:
    with opened("openai", monkeypatch, "def add(): pass") as (model, _):
        assert model.complete("", "add", answer_tokens=9, prefill="def").text == "def add(): pass"


@pytest.mark.parametrize("kind", KINDS)
def test_signs_that_are_torn_between_pieces_arrive_whole(kind: str, monkeypatch: Patch) -> None:
    text = "Straße 漢字 🎉 ok"
    with opened(kind, monkeypatch, text) as (model, server):
        whole = model.complete("", "x", answer_tokens=20).text
        server.torn = True
        torn = model.complete("", "x", answer_tokens=20).text
    assert whole == torn == text


@pytest.mark.parametrize("kind", KINDS)
def test_a_prompt_over_the_budget_is_refused_before_it_is_sent(kind: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_CONTEXT_TOKENS", "600")
    with opened(kind, monkeypatch, GOOD) as (model, server):
        assert model.prompt_tokens(100) == 500
        with pytest.raises(ModelError, match="500") as raised:
            model.complete("", "word " * 2000, answer_tokens=100)
    assert raised.value.code == "PromptTooLong"
    assert server.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_server_counted_is_checked_and_learned(kind: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_CONTEXT_TOKENS", "600")
    with opened(kind, monkeypatch, Answer("Yes.", prompt_tokens=590), "Yes.") as (model, _):
        before = model.count("some words of a text")
        with pytest.raises(ModelError) as raised:
            model.complete("", "word " * 20, answer_tokens=100)
        assert raised.value.code == "PromptTooLong"
        assert model.count("some words of a text") > before


@pytest.mark.parametrize("kind", KINDS)
def test_the_server_refuses_what_it_counts_as_too_long(kind: str, monkeypatch: Patch) -> None:
    texts = {
        "ollama": "the input length exceeds the context length",
        "openai": "This model's maximum context length is 100 tokens",
    }
    refusal = Answer(texts[kind], status=400)
    with opened(kind, monkeypatch, refusal) as (model, _), pytest.raises(ModelError) as raised:
        model.complete("", "word", answer_tokens=100)
    assert raised.value.code == "PromptTooLong"


@pytest.mark.parametrize("kind", KINDS)
def test_many_threads_ask_at_once(kind: str, monkeypatch: Patch) -> None:
    def echo(request: dict[str, Any]) -> str:
        return json.dumps({"tool": "grep", "why": request["body"]["messages"][-1]["content"][-3:]})

    with opened(kind, monkeypatch, echo) as (model, _), ThreadPoolExecutor(8) as pool:

        def ask(number: int) -> str:
            with model.answering(answer_tokens=50):
                return str(dspy.Predict("task -> tool, why")(task=f"task {number:03}").why)

        assert [*pool.map(ask, range(24))] == [f"{number:03}" for number in range(24)]
    assert model.usage.calls == 24


def test_thoughts_are_no_part_of_an_answer(monkeypatch: Patch) -> None:
    with opened("openai", monkeypatch, f"<think>Hm, {{}} maybe.</think>\n{GOOD}") as (model, _):
        assert pick(model).tool == "ctx"
