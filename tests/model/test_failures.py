"""A server that is absent, busy, broken, slow, or answers rubbish: told by name, with the next step."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.model.access import Model, open_model
from dspy_agent.model.errors import OutOfTime
from dspy_agent_core.errors import ModelError
from tests.model.kit import GOOD, KINDS, opened, pick
from tests.support.fake_model import Answer, FakeModelServer

Patch = pytest.MonkeyPatch
WORDS = "one two three four five six seven"


def _fails(model: Model, **options: Any) -> ModelError:
    with pytest.raises(ModelError) as raised:
        model.complete("", "go on", answer_tokens=20, **options)
    assert raised.value.next
    assert "k3y" not in f"{raised.value.message} {raised.value.next}"
    return raised.value


def test_no_server_is_told_at_once_with_what_starts_one(monkeypatch: Patch, tmp_path: Path) -> None:
    monkeypatch.setenv("OLLAMA_HOST", "http://user:hunter22@127.0.0.1:1")
    monkeypatch.setenv("USE_OLLAMA", "1")
    with pytest.raises(ModelError) as raised:
        open_model(tmp_path)
    assert (raised.value.code, raised.value.next) == ("ModelUnreachable", "ollama serve")
    assert "hunter22" not in raised.value.message


@pytest.mark.parametrize("kind", KINDS)
def test_a_model_that_is_missing_comes_with_the_command_that_gets_it(kind: str, monkeypatch: Patch) -> None:
    with FakeModelServer(models=["other"]) as server:
        for name, value in server.environment(openai=kind == "openai").items():
            monkeypatch.setenv(name, value)
        with pytest.raises(ModelError) as raised:
            open_model(Path.cwd(), progress=lambda text: None)
    assert raised.value.code == "ModelNotFound"
    assert raised.value.next == ("ollama pull small" if kind == "ollama" else "export MODEL_NAME=…")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(kind: str, status: int, monkeypatch: Patch) -> None:
    busy = Answer("wait", status=status, headers={"Retry-After": "0.01"})
    with opened(kind, monkeypatch, busy, busy, "Yes.") as (model, server):
        assert model.complete("", "go on", answer_tokens=20).text == "Yes."
    assert len(server.requests) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_stays_broken_is_left_alone_after_a_few_times(kind: str, monkeypatch: Patch) -> None:
    broken = Answer("boom k3y-of-tests \x1b[2J", status=500, headers={"Retry-After": "0.01"})
    with opened(kind, monkeypatch, broken) as (model, server):
        error = _fails(model)
    assert error.code == "ModelFailed"
    assert "boom [secret]" in error.message.replace("k3y-of-tests", "[secret]")
    assert "\x1b" not in error.message
    assert len(server.requests) == 3


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_asks_for_an_hour_is_not_waited_for(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer("no", status=429, headers={"Retry-After": "3600"})) as (
        model,
        server,
    ):
        assert _fails(model).code == "ModelBusy"
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("status", "code"), [(400, "ModelRefused"), (401, "ModelUnauthorized"), (403, "ModelUnauthorized")]
)
def test_a_refusal_is_not_repeated(kind: str, status: int, code: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer("no k3y-of-tests", status=status)) as (model, server):
        assert _fails(model).code == code
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_redirect_gets_neither_code_nor_key(kind: str, monkeypatch: Patch) -> None:
    with FakeModelServer() as elsewhere:
        away = Answer("", status=307, headers={"Location": f"{elsewhere.url}/api/chat"})
        with opened(kind, monkeypatch, away) as (model, _):
            assert _fails(model).code == "ModelElsewhere"
        assert elsewhere.requests == []


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_reset_before_the_first_byte_is_tried_again(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer(reset=True), "Yes.") as (model, _):
        assert model.complete("", "go on", answer_tokens=20).text == "Yes."


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "answer",
    [
        Answer(WORDS, cut_after=3),
        Answer(WORDS, cut_after=3, reset=True),
        Answer(WORDS, done=None),
        Answer(WORDS, cut_after=3, error="the runner died"),
    ],
    ids=["closed", "reset", "no end", "error"],
)
def test_an_answer_that_is_cut_off_is_told_and_not_taken(
    kind: str, answer: Answer, monkeypatch: Patch
) -> None:
    said: list[str] = []
    with opened(kind, monkeypatch, answer) as (model, server):
        error = _fails(model, on_text=said.append)
    assert error.code == "ModelCut"
    assert WORDS.startswith("".join(said))
    assert len(server.requests) == 1, "what was shown would be shown again"


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_in_the_stream_before_the_answer_is_the_servers(kind: str, monkeypatch: Patch) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_RETRIES", "0")
    with opened(kind, monkeypatch, Answer(cut_after=0, error="out of memory")) as (model, _):
        error = _fails(model)
    assert error.code == "ModelFailed"
    assert "out of memory" in error.message


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "raw",
    [
        b"<html>hello</html>\n\n",
        b"[]\n\n",
        b"\xff\xfe\x00\n\n",
        b'{"message": 3}\n\n',
        b"data: 7\n\n",
        b"data: {\n\n",
    ],
)
def test_rubbish_is_told_as_such(kind: str, raw: bytes, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer(raw=raw)) as (model, _):
        assert _fails(model).code in ("ModelAnswer", "ModelCut")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("piece", ["x" * 4096, b"y" * 4096], ids=["words", "a line without an end"])
def test_an_answer_without_an_end_is_left(kind: str, piece: str | bytes, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer(pieces=[piece] * 500)) as (model, server):
        assert _fails(model).code == "ModelAnswer"
        assert server.gone.wait(10), "the server goes on sending"


@pytest.mark.parametrize("kind", KINDS)
def test_a_silent_server_is_left_after_the_timeout(kind: str, monkeypatch: Patch) -> None:
    go = threading.Event()
    with opened(kind, monkeypatch, Answer(WORDS, until=go), timeout=0.1) as (model, _):
        assert _fails(model).code == "ModelTimeout"
        go.set()


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_byte_may_take_longer_than_the_next(kind: str, monkeypatch: Patch) -> None:
    with opened(kind, monkeypatch, Answer(GOOD, first=0.5), timeout=0.25) as (model, _):
        assert pick(model).tool == "ctx"


@pytest.mark.parametrize("kind", KINDS)
def test_who_listens_may_fail_by_itself_and_the_server_stops(kind: str, monkeypatch: Patch) -> None:
    def gone(text: str) -> None:
        raise BrokenPipeError("nobody reads")

    with opened(kind, monkeypatch, Answer(pieces=["word "] * 100_000)) as (model, server):
        with pytest.raises(BrokenPipeError, match="nobody reads"):
            model.complete("", "go on", answer_tokens=20, on_text=gone)
        assert server.gone.wait(10), "the server goes on sending"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(pieces=["word "] * 400, pause=0.05), "OutOfTime"),
        (Answer(first=20.0, text=GOOD), "OutOfTime"),
        (Answer(GOOD, pause=20.0), "OutOfTime"),
        (Answer("busy", status=503, headers={"retry-after": "20"}), "ModelBusy"),
    ],
    ids=["slow", "late", "stalled", "busy"],
)
def test_an_answer_is_waited_for_only_as_long_as_it_is_wanted(
    kind: str, answer: Answer, code: str, monkeypatch: Patch
) -> None:
    with opened(kind, monkeypatch, answer) as (model, _):
        with pytest.raises(ModelError) as failed:
            pick(model, until=time.monotonic() + 0.5, answer_tokens=1000)
        assert failed.value.code == code
        with pytest.raises(OutOfTime):
            pick(model, until=time.monotonic())
