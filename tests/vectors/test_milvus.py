"""Vectors in Milvus: the server mode of Milvus Lite, and its file."""

from __future__ import annotations

import numpy as np
import pytest

from dspy_agent.vectors.errors import VectorStoreError
from dspy_agent.vectors.fill import Filled, fill
from dspy_agent.vectors.store import models_here, open_store
from dspy_agent_core.errors import ModelError, UsageError
from tests.vectors.kit import DIMENSION, MODEL, Texts, WordEmbedder, numbers, vectors
from tests.vectors.milvus_server import free_port, milvus_server


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    port = free_port()
    with milvus_server(tmp_path_factory.mktemp("milvus") / "data", port):
        yield f"milvus://127.0.0.1:{port}"


@pytest.fixture(params=["server", "lite"])
def opened(request, server, tmp_path):
    """Opens a store of this test; all stores are closed at its end."""
    stores = []

    def open_one(model=MODEL, dimension=DIMENSION):
        environment = {
            "DSPY_AGENT_VECTOR_STORE": server if request.param == "server" else "lite",
            "DSPY_AGENT_VECTOR_COLLECTION_PREFIX": f"t_{abs(hash(request.node.name))}",
        }
        stores.append(open_store(tmp_path / "vectors", (model, dimension), environment=environment))
        return stores[-1]

    yield open_one
    for store in stores:
        store.close()


def test_nothing_is_there_and_nothing_is_made_before_something_is_added(opened, tmp_path):
    store = opened()
    assert len(store) == 0
    assert not store.have(numbers(3)).any()
    assert store.search(vectors(1)[0], numbers(3), 5)[0].tolist() == []
    assert store.prune(numbers(3)) == 0
    assert list(tmp_path.rglob("*.db")) == []


def test_what_is_added_is_found_by_all(opened):
    store, keys, rows = opened(), numbers(500), vectors(500)
    store.add(keys, rows)
    store.add(keys[:20], rows[:20])
    for each in (store, opened()):
        assert len(each) == 500
        assert each.have(numbers(503)).tolist() == [True] * 500 + [False] * 3
        positions, scores = each.search(rows[7], keys, 10)
        assert positions.tolist() == np.argsort(-(rows @ rows[7]))[:10].tolist()
        assert scores == pytest.approx((rows @ rows[7])[positions], abs=1e-4)


def test_only_what_is_alive_is_found_however_much_is_not(opened):
    store, keys, rows = opened(), numbers(1000), vectors(1000)
    store.add(keys, rows)
    worst = int(np.argmin(rows @ rows[3]))
    alive = keys[[worst, 3, worst]]
    positions, scores = store.search(rows[3], alive, 3)
    assert positions.tolist() == [1, 0, 2]
    assert scores[1] == scores[2] == pytest.approx(float(rows[worst] @ rows[3]), abs=1e-4)


def test_keys_of_the_whole_range_and_blank_texts(opened):
    store = opened()
    keys = np.array([0, 1, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)
    rows = vectors(5)
    rows[1] = 0
    store.add(keys, rows)
    assert store.have(keys).all()
    assert sorted(store.search(rows[0], keys, 9)[0].tolist()) == [0, 2, 3, 4]
    assert store.search(rows[4], keys, 1)[0].tolist() == [4]


def test_models_are_never_mixed(opened):
    store, other, longer = opened(), opened("test:other"), opened(MODEL, 32)
    store.add(numbers(3), vectors(3))
    assert len(other) == len(longer) == 0
    with pytest.raises(ModelError, match="32 numbers"):
        store.add(numbers(3), vectors(3, dimension=32))
    with pytest.raises(ModelError, match="32 numbers"):
        store.search(vectors(1, dimension=32)[0], numbers(3), 3)


def test_a_store_is_filled_and_goes_on(opened):
    words = [f"word {number}" for number in range(200)]
    embedder, source = WordEmbedder(), Texts(words)
    assert fill(opened(), embedder, Texts(words[:50])) == Filled(made=50)
    store = opened()
    assert fill(store, embedder, source) == Filled(made=150, had=50)
    assert store.search(embedder.embed_query(words[99]), source.keys, 1)[0].tolist() == [99]


def test_a_file_is_pruned_and_a_shared_collection_never(opened, request):
    store, keys, rows = opened(), numbers(1500), vectors(1500)
    store.add(keys, rows)
    dropped = store.prune(keys[:100])
    assert dropped == (1400 if "lite" in request.node.name else 0)
    assert len(store) == 1500 - dropped
    assert store.search(rows[50], keys, 1)[0].tolist() == [50]


def test_a_file_is_kept_after_the_process(tmp_path):
    environment = {"DSPY_AGENT_VECTOR_STORE": "lite"}
    store = open_store(tmp_path, (MODEL, DIMENSION), environment=environment)
    store.add(numbers(10), vectors(10))
    store.close()
    again = open_store(tmp_path, (MODEL, DIMENSION), environment=environment)
    assert again.have(numbers(11)).tolist() == [True] * 10 + [False]
    again.close()
    assert models_here(tmp_path) == []


@pytest.mark.parametrize("uri", ["somewhere", "ftp://x:1", "Lite", "/tmp/x.db"])
def test_an_address_that_is_none_is_told(tmp_path, uri):
    with pytest.raises(UsageError, match="address of the vector store"):
        open_store(tmp_path, (MODEL, DIMENSION), uri)


def test_a_prefix_that_milvus_would_refuse_is_told(tmp_path):
    environment = {"DSPY_AGENT_VECTOR_COLLECTION_PREFIX": "team-a.x"}
    with pytest.raises(UsageError, match=r"team-a\.x"):
        open_store(tmp_path, (MODEL, DIMENSION), "milvus://127.0.0.1:1", environment)


def test_a_damaged_file_is_told(tmp_path):
    (tmp_path / "milvus.db").write_bytes(b"no database")
    store = open_store(tmp_path, (MODEL, DIMENSION), "lite", {})
    with pytest.raises(VectorStoreError) as told:
        store.have(numbers(3))
    assert told.value.code == "VectorStoreDown"
    assert told.value.next
