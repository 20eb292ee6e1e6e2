"""Vectors in the background: what is missing is made, most useful first, and each batch is kept."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading

import numpy as np
import pytest

from dspy_agent.vectors.embedder import open_embedder
from dspy_agent.vectors.fill import Filled, fill
from dspy_agent.vectors.store import open_store
from dspy_agent.workspace.atomic import exclusive
from dspy_agent_core.errors import ModelError, WorkspaceError
from tests.vectors.kit import DIMENSION, MODEL, Texts, WordEmbedder, keys_of

WORDS = [f"word {number}" for number in range(300)]


def opened(folder):
    return open_store(folder, (MODEL, DIMENSION), environment={})


def test_what_is_missing_is_made_in_the_order_of_the_source(tmp_path):
    store, embedder, told = opened(tmp_path), WordEmbedder(), []
    store.add(keys_of(WORDS[5:10]), embedder.embed_documents(WORDS[5:10]))
    embedder.embedded.clear()
    source = Texts(WORDS)
    assert fill(store, embedder, source, lambda *numbers: told.append(numbers)) == Filled(made=295, had=5)
    assert embedder.embedded == WORDS[:5] + WORDS[10:]
    assert told[-1] == (300, 300)
    assert told == sorted(told)
    assert store.search(embedder.embed_query(WORDS[77]), source.keys, 1)[0].tolist() == [77]
    embedder.embedded.clear()
    assert fill(store, embedder, source) == Filled(had=300)
    assert embedder.embedded == []


def test_equal_texts_are_embedded_once_and_texts_that_are_gone_are_passed_over(tmp_path):
    store, embedder = opened(tmp_path), WordEmbedder()
    source = Texts(["a", "b", None, "a", "c", "b"])
    assert fill(store, embedder, source) == Filled(made=3, gone=1)
    assert embedder.embedded == ["a", "b", "c"]
    assert store.have(source.keys).tolist() == [True, True, False, True, True, True]


def test_nothing_to_fill(tmp_path):
    assert fill(opened(tmp_path), WordEmbedder(), Texts([], np.zeros(0, np.uint64))) == Filled()


def test_a_stop_keeps_what_is_made_and_the_next_fill_goes_on(tmp_path):
    store, embedder, stop = opened(tmp_path), WordEmbedder(), threading.Event()
    filled = fill(store, embedder, Texts(WORDS), lambda done, total: stop.set(), stop)
    assert filled.made == len(store) == len(embedder.embedded) > 0
    assert filled.made + filled.left == 300
    assert fill(store, embedder, Texts(WORDS)).made == filled.left
    assert embedder.embedded == WORDS


def test_a_model_that_fails_in_between_loses_no_batch(tmp_path):
    class Failing(WordEmbedder):
        def embed_documents(self, texts):
            if len(self.embedded) > 100:
                raise ModelError("The server went away.", code="ModelServerAbsent", next="ollama serve")
            return super().embed_documents(texts)

    store = opened(tmp_path)
    with pytest.raises(ModelError):
        fill(store, Failing(), Texts(WORDS))
    kept = len(store)
    assert 100 < kept < 300
    assert fill(store, WordEmbedder(), Texts(WORDS)) == Filled(made=300 - kept, had=kept)


def test_a_model_that_gives_another_dimension_is_told(tmp_path):
    class Changed(WordEmbedder):
        def embed_documents(self, texts):
            return np.ones((len(texts), 32), np.float32)

    with pytest.raises(ModelError, match="32 numbers") as told:
        fill(opened(tmp_path), Changed(), Texts(WORDS))
    assert "emb-index" in told.value.next


def test_another_model_than_the_stores_is_refused(tmp_path):
    store = open_store(tmp_path, ("test:other", DIMENSION), environment={})
    with pytest.raises(ModelError, match="test:other") as told:
        fill(store, WordEmbedder(), Texts(WORDS))
    assert told.value.code == "AnotherModel"


def test_only_one_fills_at_a_time(tmp_path):
    store, embedder = opened(tmp_path), WordEmbedder()
    with exclusive(store.fill_lock, wait=True) as mine:
        assert mine
        assert fill(store, embedder, Texts(WORDS)) == Filled(left=300, busy=True)
    assert embedder.embedded == []
    assert fill(store, embedder, Texts(WORDS)).made == 300


def test_a_folder_that_cant_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="can't be written"):
        fill(opened(tmp_path / "file"), WordEmbedder(), Texts(WORDS))


def test_a_search_uses_vectors_as_they_come(tmp_path):
    embedder, source = WordEmbedder(), Texts(WORDS)
    seen = []

    def look(done, total):
        positions, _ = opened(tmp_path).search(embedder.embed_query(WORDS[0]), source.keys, 300)
        assert positions[0] == 0
        seen.append((len(positions), done))

    fill(opened(tmp_path), embedder, source, look)
    assert len(seen) > 1
    assert all(found == done for found, done in seen)


FILLER = """
import sys
from pathlib import Path
from dspy_agent.vectors.fill import fill
from dspy_agent.vectors.store import open_store
from tests.vectors.kit import DIMENSION, MODEL, Texts, WordEmbedder
store = open_store(Path(sys.argv[1]), (MODEL, DIMENSION), environment={})
words = [f"word {number}" for number in range(20_000)]
fill(store, WordEmbedder(), Texts(words), lambda done, total: print(done, flush=True))
"""


def test_a_filler_that_is_killed_leaves_its_batches_and_no_lock(tmp_path):
    command = [sys.executable, "-c", FILLER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as filler:
        for _ in range(4):
            done = int(filler.stdout.readline())
        assert fill(opened(tmp_path), WordEmbedder(), Texts(WORDS[:3])).busy
        filler.send_signal(signal.SIGKILL)
        done = int((filler.stdout.read().split() or [done])[-1])
    store = opened(tmp_path)
    assert store.notes == []
    assert done <= len(store) < 20_000
    words = [f"word {number}" for number in range(len(store) + 100)]
    assert fill(store, WordEmbedder(), Texts(words)) == Filled(made=100, had=len(words) - 100)


def test_the_local_model_fills_a_store(tmp_path):
    model = open_embedder({})
    store = open_store(tmp_path, model, environment={})
    texts = ["def open_file(path): ...", "def close_socket(sock): ...", "class Invoice: total = 0", ""]
    source = Texts(texts, keys_of(texts))
    assert fill(store, model, source).made == 4
    assert store.search(model.embed_query("shut the network connection"), source.keys, 3)[0][0] == 1
