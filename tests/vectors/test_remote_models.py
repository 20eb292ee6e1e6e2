"""Models behind a server: what is asked, what is made of the answers, and what goes wrong, told."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from dspy_agent.vectors.embedder import open_embedder
from dspy_agent.vectors.models import http
from dspy_agent_core.errors import ModelError
from tests.vectors.model_server import Answer, error, model_server, ok

KINDS = ["ollama", "openai"]


@pytest.fixture
def server():
    with model_server() as served:
        yield served


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(http, "_PAUSE", 0.01)


def opened(server, kind, name="small", key=""):
    return open_embedder(
        {
            "DSPY_AGENT_EMBEDDING_MODEL": f"{kind}:{name}",
            "OLLAMA_HOST": server.url.removeprefix("http://"),
            "OPENAI_BASE_URL": f"{server.url}/v1/",
            "OPENAI_API_KEY": key,
        }
    )


@pytest.mark.parametrize("kind", KINDS)
def test_texts_become_unit_vectors_in_their_order(server, kind):
    model = opened(server, kind)
    assert model.model == f"{kind}:small"
    assert model.dimension == 24
    texts = [f"def f{number}(): pass" for number in range(75)]
    made = model.embed_documents(texts)
    assert made.dtype == np.float32
    assert made.shape == (75, 24)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    assert model.embed_query(texts[60]) == pytest.approx(made[60], abs=1e-6)
    assert max(len(asked.body["input"]) for asked in server.asked) == 32
    assert {asked.path for asked in server.asked} == {"/api/embed" if kind == "ollama" else "/v1/embeddings"}


@pytest.mark.parametrize("kind", KINDS)
def test_empty_texts_are_not_sent(server, kind):
    model = opened(server, kind)
    made = model.embed_documents(["", "a", "  \n"])
    assert np.linalg.norm(made, axis=1) == pytest.approx([0, 1, 0], abs=1e-5)
    assert model.embed_documents([]).shape == (0, 24)
    assert model.embed_query("").tolist() == [0] * 24
    assert server.texts[1:] == ["a"]


def test_well_known_models_get_their_prompts(server):
    server.models.add("nomic-embed-text:v1.5")
    model = opened(server, "ollama", "nomic-embed-text:v1.5")
    model.embed_documents(["a"])
    model.embed_query("b")
    assert server.texts[1:] == ["search_document: a", "search_query: b"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_text_too_long_for_the_model_is_shortened_alone(server, kind):
    model = opened(server, kind)
    server.longest = 1000
    texts = ["short", "x" * 3999, "also short"]
    made = model.embed_documents(texts)
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    server.longest = 10**9
    assert made[0] == pytest.approx(model.embed_query("short"), abs=1e-6)
    assert made[1] == pytest.approx(model.embed_query("x" * 999), abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "trouble",
    [
        error(503, {"error": "loading"}),
        error(429, {"error": {"message": "slow down"}}, Retry_After="0"),
        error(429, {}, Retry_After="Fri, 27 Nov 2026 14:00:00 GMT"),
        Answer(200, b'{"embeddings": [[1,2', cut=8),
    ],
)
def test_passing_trouble_is_tried_again(server, kind, trouble):
    model = opened(server, kind)
    server.plan = [trouble, trouble]
    assert model.embed_documents(["a"]).shape == (1, 24)
    assert server.texts[1:] == ["a", "a", "a"]


@pytest.mark.parametrize("kind", KINDS)
def test_lasting_trouble_is_told_after_few_tries(server, kind):
    model = opened(server, kind)
    server.plan = [error(503, {"error": "no memory left"})] * 9
    with pytest.raises(ModelError, match="HTTP 503: no memory left") as told:
        model.embed_documents(["a"])
    assert told.value.next
    assert len(server.plan) == 6
    server.plan = [Answer(200, b"{}", cut=1)] * 9
    with pytest.raises(ModelError, match="connection was cut"):
        model.embed_documents(["a"])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "body",
    [
        b"<html>welcome</html>",
        b"[]",
        b'{"embeddings": [], "data": []}',
        b'{"embeddings": [[]], "data": [{"index": 0, "embedding": []}]}',
        b'{"embeddings": [["a"]], "data": [{"index": 0, "embedding": "QUJD"}]}',
        b'{"embeddings": [[1],[2]], "data": [{"embedding": [1]}]}',
        b"[" * 100_000,
    ],
)
def test_rubbish_is_told(server, kind, body):
    server.plan = [Answer(200, body)]
    with pytest.raises(ModelError, match="but not with vectors") as told:
        opened(server, kind)
    assert told.value.code == "ModelFailed"


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_that_are_none_are_told(server, kind):
    model = opened(server, kind)
    row = [float("nan")] * 24
    server.plan = [ok({"embeddings": [row], "data": [{"index": 0, "embedding": row}]})]
    with pytest.raises(ModelError, match="numbers that are none"):
        model.embed_documents(["a"])


@pytest.mark.parametrize("kind", KINDS)
def test_another_dimension_all_of_a_sudden_is_told(server, kind):
    model = opened(server, kind)
    server.dimension = 32
    with pytest.raises(ModelError, match="32 numbers; those kept have 24") as told:
        model.embed_query("a")
    assert "emb-index" in told.value.next


def test_a_model_that_ollama_lacks_is_told_with_the_pull(server):
    with pytest.raises(ModelError, match="does not have the model nomic") as told:
        opened(server, "ollama", "nomic")
    assert told.value.code == "ModelMissing"
    assert told.value.next == "ollama pull nomic"


def test_a_model_that_the_server_lacks_is_told(server):
    with pytest.raises(ModelError, match="does not have the model nomic") as told:
        opened(server, "openai", "nomic")
    assert told.value.code == "ModelMissing"


def test_a_wrong_key_is_told_and_never_shown(server):
    server.key = "right"
    assert opened(server, "openai", key="right").dimension == 24
    with pytest.raises(ModelError, match="does not accept the key") as told:
        opened(server, "openai", key="sk-wrong-1234")
    assert told.value.code == "ModelKeyRefused"
    assert "sk-wrong" not in str(told.value.to_json())
    assert "sk-wrong" not in repr(opened(server, "openai", key="right").server)


@pytest.mark.parametrize("kind", KINDS)
def test_no_server_is_told_at_once(kind):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:hunter2@127.0.0.1:{free.getsockname()[1]}"
        environment = {"DSPY_AGENT_EMBEDDING_MODEL": f"{kind}:m", "OLLAMA_HOST": url, "OPENAI_BASE_URL": url}
        with pytest.raises(ModelError, match="nothing listens there") as told:
            open_embedder(environment)
    assert told.value.code == "ModelServerAbsent"
    assert "hunter2" not in str(told.value.to_json())
    assert told.value.next


@pytest.mark.parametrize("kind", KINDS)
def test_a_server_that_hangs_is_told(kind, monkeypatch):
    monkeypatch.setattr(http, "_READ_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environment = {"DSPY_AGENT_EMBEDDING_MODEL": f"{kind}:m", "OLLAMA_HOST": url, "OPENAI_BASE_URL": url}
        with pytest.raises(ModelError, match="no answer in time"):
            open_embedder(environment)


@pytest.mark.parametrize("address", ["http://", "http://[::1", "ftp://x", "http://a b/"])
def test_an_address_that_is_none_is_told(address):
    with pytest.raises(ModelError, match="can't be asked"):
        open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": "ollama:m", "OLLAMA_HOST": address})
