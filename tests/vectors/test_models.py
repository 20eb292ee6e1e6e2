"""Which model the environment names, the default one, and one of sentence-transformers."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import numpy as np
import pytest

from dspy_agent.vectors.embedder import open_embedder
from dspy_agent.vectors.models.words import counted
from dspy_agent_core.errors import MissingRequirement, ModelError, UsageError


@pytest.fixture(scope="module")
def local():
    return open_embedder({})


def test_the_default_needs_no_network_and_no_hub():
    code = """
import socket, sys
def refuse(*arguments): raise AssertionError("no network")
socket.socket.connect = refuse
from dspy_agent.vectors.embedder import open_embedder
model = open_embedder({})
assert model.embed_query("read the settings").shape == (256,)
print([name for name in ("wordllama", "huggingface_hub", "requests", "torch") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert done.stderr == ""


def test_a_question_is_near_to_the_code_that_answers_it(local):
    code = [
        "def parse_log_line(line):\\n    return LOG_PATTERN.match(line).groups()",
        "class HttpClient:\\n    def sendRequest(self, url): return self.pool.urlopen('GET', url)",
        "def compoundInterest(principal, rate, years): return principal * (1 + rate) ** years",
    ]
    documents = local.embed_documents(code)
    for number, question in enumerate(
        [
            "match a line of a log file",
            "send an HTTP request to an address",
            "interest of a loan over the years",
        ]
    ):
        assert int(np.argmax(documents @ local.embed_query(question))) == number


def test_names_say_the_same_however_they_are_written(local):
    first, second = local.embed_documents(["getUserName HTTPServer2", "get_user_name http-server 2"])
    assert float(first @ second) == pytest.approx(1, abs=1e-5)
    assert counted("getHTTPResponse_code2 get") == {"get": 2, "http": 1, "response": 1, "code": 1, "2": 1}


def test_any_text_has_a_vector_or_none(local):
    texts = [
        "",
        "   ",
        "{}();",
        "日本語の関数",
        "ünïcödé",
        "\\x00\\ud7ff",
        "a" * 100_000,
        "x1y2" * 20_000,
        "🙂",
    ]
    made = local.embed_documents(texts)
    lengths = np.linalg.norm(made, axis=1)
    assert made.shape == (len(texts), 256)
    assert all(length == 0 or length == pytest.approx(1, abs=1e-5) for length in lengths)
    assert lengths[0] == lengths[1] == lengths[2] == 0
    assert lengths[3] == pytest.approx(1, abs=1e-5)
    assert local.embed_documents([]).shape == (0, 256)


def test_what_was_embedded_before_changes_nothing(local):
    alone = open_embedder({}).embed_query("read the last word")
    other = open_embedder({})
    for start in range(0, 60_000, 5000):  # more words than are remembered
        other.embed_documents([" ".join(f"w{chr(97 + n % 26)}{n:x}" for n in range(start, start + 5000))])
    assert other.embed_query("read the last word") == pytest.approx(alone, abs=1e-6)


@pytest.mark.parametrize("asked", ["none", "off", "OFF"])
def test_vectors_can_be_switched_off(asked):
    with pytest.raises(MissingRequirement, match="switched off") as told:
        open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": asked})
    assert told.value.code == "VectorsOff"


@pytest.mark.parametrize("asked", ["gpt", "ollama:", "wordllama:other", ":", "http://x"])
def test_a_name_of_no_kind_is_told(asked):
    with pytest.raises(UsageError, match="names no embedding model"):
        open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": asked})


@pytest.mark.parametrize("absent", ["wordllama", "tokenizers", "safetensors"])
def test_a_package_that_is_not_there_is_told(absent, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == absent]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, absent, None)
    monkeypatch.setitem(
        sys.modules, "safetensors.numpy", None if absent == "safetensors" else ModuleType("n")
    )
    if absent == "wordllama":
        monkeypatch.delitem(sys.modules, "safetensors.numpy")
        monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingRequirement) as told:
        open_embedder({})
    assert told.value.code == "NoEmbeddingModel"
    assert "dspy-agent[vectors]" in told.value.next


class Encoder:
    """What of SentenceTransformer is used."""

    def __init__(self, name):
        if name == "absent":
            raise OSError("absent is not a local folder and is not a valid model identifier")

    def encode_query(self, text, **settings):
        return np.full(6, len(text), np.float16)

    def encode_document(self, texts, **settings):
        assert settings["show_progress_bar"] is False
        return np.stack([np.arange(6, dtype=np.float32) + len(text) for text in texts])


@pytest.fixture
def transformers(monkeypatch):
    module = ModuleType("sentence_transformers")
    module.SentenceTransformer = Encoder
    monkeypatch.setitem(sys.modules, "sentence_transformers", module)


def test_a_sentence_transformers_model_is_used(transformers):
    model = open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": "sentence-transformers:org/name"})
    assert (model.model, model.dimension) == ("sentence-transformers:org/name", 6)
    made = model.embed_documents(["a", "bb"])
    assert made.dtype == model.embed_query("a").dtype == np.float32
    assert np.linalg.norm(made, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.linalg.norm(model.embed_query("abc")) == pytest.approx(1, abs=1e-5)
    assert model.embed_documents([]).shape == (0, 6)


def test_a_sentence_transformers_model_that_cant_be_loaded_is_told(transformers):
    with pytest.raises(ModelError, match="not a valid model") as told:
        open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": "sentence-transformers:absent"})
    assert told.value.code == "ModelMissing"


def test_without_the_package_its_extra_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingRequirement) as told:
        open_embedder({"DSPY_AGENT_EMBEDDING_MODEL": "sentence-transformers:any"})
    assert "dspy-agent[sentence-transformers]" in told.value.next
