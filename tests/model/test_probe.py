"""What a model can do is learned once, kept, and the agent adapts to it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.model.access import open_model
from dspy_agent_core.errors import ModelError
from tests.model.kit import GOOD, KINDS, opened, pick
from tests.support.fake_model import Answer, FakeModelServer

Patch = pytest.MonkeyPatch


def _again(said: list[str] | None = None) -> Any:
    return open_model(Path.cwd(), progress=(said if said is not None else []).append)


def _cached(server: FakeModelServer) -> Path:
    (file,) = Path(server.environment()["XDG_CACHE_HOME"]).glob("dspy-agent/models/*.json")
    return file


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_asked_once_and_said_so(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch) as (model, server):
        trials = server.other.count("trial")
        said: list[str] = []
        assert _again(said).traits == model.traits
        assert server.other.count("trial") == trials > 0
    assert said == []
    assert (model.traits.schema, model.traits.tools, model.traits.thinking) == (True, True, False)
    assert model.traits.most_tokens == 32768


@pytest.mark.parametrize("kind", KINDS)
def test_the_context_is_never_more_than_the_model_has(kind: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_CONTEXT_TOKENS", "100000")
    with opened(kind, monkeypatch, context_length=2048) as (model, _):
        assert model.traits.context_tokens == 2048


@pytest.mark.parametrize(
    ("listed", "expected"),
    [
        ({"max_model_len": 2048}, 2048),  # vLLM, SGLang
        ({"context_length": 2048}, 2048),  # OpenRouter
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 32768}}, 2048),  # llama.cpp
        ({"meta": {"n_ctx_train": 32768}}, None),
        ({"meta": None, "max_model_len": "long"}, None),
        ({"meta": {"n_ctx": True}}, None),
        ({}, None),
    ],
)
def test_each_kind_of_server_tells_its_length_in_its_own_way(
    listed: dict[str, Any], expected: int | None, monkeypatch: Patch
) -> None:
    with opened("openai", monkeypatch, listed=listed) as (model, _):
        assert model.traits.most_tokens == expected
        assert model.traits.context_tokens == (expected or 8192)


@pytest.mark.parametrize("kind", KINDS)
def test_without_a_schema_the_shape_is_told_in_words_and_the_answer_repaired(
    kind: str, monkeypatch: Patch
) -> None:
    text = "Sure! Here it is:\n```json\n{'tool': 'CTX', \"why\": \"There is a log.\",}\n```"
    with opened(kind, monkeypatch, text, schema=False) as (model, server):
        assert not model.traits.schema
        assert pick(model).tool == "ctx"
    body = server.requests[0]["body"]
    assert not body.get("format")
    assert "response_format" not in body
    assert "tool: grep | ctx" in body["messages"][0]["content"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_calls_no_tools_is_known(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, capabilities=["completion"]) as (model, _):
        assert not model.traits.tools


def test_a_thinking_model_is_told_not_to_think(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch, GOOD, capabilities=["completion", "thinking"]) as (model, server):
        pick(model)
    assert (model.traits.thinking, model.traits.quiet) == (True, True)
    assert server.requests[0]["body"]["think"] is False


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_thinks_all_the_same_gets_room_for_it(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, GOOD, thinks="always", capabilities=["thinking"]) as (model, server):
        pick(model, answer_tokens=50)
    assert (model.traits.thinking, model.traits.quiet, model.traits.schema) == (True, False, True)
    body = server.requests[0]["body"]
    assert (body["options"]["num_predict"] if kind == "ollama" else body["max_tokens"]) == 50 + 2048


def test_a_template_is_told_not_to_think_where_that_helps(monkeypatch: Patch) -> None:
    with opened("openai", monkeypatch, GOOD, thinks="unless told") as (model, server):
        pick(model)
    assert (model.traits.thinking, model.traits.quiet) == (True, True)
    assert server.requests[0]["body"]["chat_template_kwargs"] == {"enable_thinking": False}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 9}', '{"version": 1, "at": 1, "traits": {}}', "\x00" * 100, "[" * 100_000],
)
def test_a_broken_or_old_file_is_as_good_as_none(text: str, monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch) as (model, server):
        _cached(server).write_text(text)
        assert _again().traits == model.traits
        assert json.loads(_cached(server).read_text())["version"] == 1


def test_wrong_kinds_in_the_file_are_not_believed(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch) as (model, server):
        known = json.loads(_cached(server).read_text())
        known["traits"]["most_tokens"] = "many"
        _cached(server).write_text(json.dumps(known))
        assert _again().traits == model.traits


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch: Patch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with opened("ollama", monkeypatch) as (model, _):
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
        assert _again().traits == model.traits


def test_another_model_of_the_same_name_is_asked_anew(monkeypatch: Patch) -> None:
    with opened("ollama", monkeypatch) as (_, server):
        trials = server.other.count("trial")
        server.digest = "pulled anew"
        _again()
        assert server.other.count("trial") == 2 * trials


def test_what_was_not_learned_is_not_kept(monkeypatch: Patch) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_RETRIES", "0")
    with FakeModelServer() as server:
        server.broken = Answer("out of memory", status=500)
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ModelError):
            _again()
        server.broken = None
        assert _again().traits.schema
