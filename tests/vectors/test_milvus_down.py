"""A Milvus that is not there, hangs, dies in between or comes back: one error, soon, and no secret in it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from dspy_agent.vectors.errors import VectorStoreError
from dspy_agent.vectors.fill import fill
from dspy_agent.vectors.milvus import client
from dspy_agent.vectors.store import open_store
from dspy_agent_core.errors import AgentError, MissingRequirement
from tests.vectors.kit import DIMENSION, MODEL, Texts, WordEmbedder, numbers, vectors
from tests.vectors.milvus_server import free_port, milvus_server


def opened(folder, address, **environment):
    return open_store(folder, (MODEL, DIMENSION), f"milvus://{address}", environment)


def calls(store):
    yield lambda: store.search(vectors(1)[0], numbers(3), 3)
    yield lambda: store.have(numbers(3))
    yield lambda: store.add(numbers(3), vectors(3))
    yield lambda: len(store)
    yield lambda: fill(store, WordEmbedder(), Texts(["a", "b"]))


def test_nothing_listens(tmp_path):
    address = f"user:hunter2@127.0.0.1:{free_port()}"
    store = opened(tmp_path, address, DSPY_AGENT_VECTOR_TOKEN="root:hunter3")
    for call in calls(store):
        with pytest.raises(VectorStoreError, match="can't be used") as told:
            call()
        assert told.value.code == "VectorStoreDown"
        assert "unset" in told.value.next
        assert "hunter" not in str(told.value.to_json())
        assert isinstance(told.value, AgentError)


def test_a_server_that_hangs_is_asked_once_in_a_while(tmp_path, monkeypatch):
    monkeypatch.setattr(client, "_CONNECT_SECONDS", 0.5)
    monkeypatch.setattr(client, "_SLOW_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        store = opened(tmp_path, f"127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(VectorStoreError) as first:
            store.have(numbers(3))
        assert "just now" not in first.value.message
        for call in calls(store):
            with pytest.raises(VectorStoreError, match="did not answer just now"):
                call()


def test_a_server_that_dies_and_comes_back(tmp_path):
    port, data = free_port(), tmp_path / "data"
    store = opened(tmp_path, f"127.0.0.1:{port}")
    with milvus_server(data, port):
        store.add(numbers(10), vectors(10))
        assert store.search(vectors(10)[4], numbers(10), 1)[0].tolist() == [4]
    for call in calls(store):
        with pytest.raises(VectorStoreError):
            call()
    with milvus_server(data, port):
        assert store.have(numbers(10)).all()
        assert store.search(vectors(10)[4], numbers(10), 1)[0].tolist() == [4]
        store.close()


def test_a_collection_that_is_dropped_meanwhile_is_made_anew(tmp_path):
    from pymilvus import MilvusClient

    port = free_port()
    with milvus_server(tmp_path / "data", port):
        store = opened(tmp_path, f"127.0.0.1:{port}")
        store.add(numbers(10), vectors(10))
        other = MilvusClient(f"http://127.0.0.1:{port}")
        for name in other.list_collections():
            other.drop_collection(name)
        other.close()
        with pytest.raises(VectorStoreError):
            store.search(vectors(1)[0], numbers(10), 3)
        assert store.search(vectors(1)[0], numbers(10), 3)[0].tolist() == []
        store.add(numbers(2), vectors(2))
        assert len(store) == 2
        store.close()


def test_nothing_is_printed_and_the_program_ends(tmp_path):
    code = f"""
from pathlib import Path
from dspy_agent.vectors.store import open_store
from dspy_agent.vectors.errors import VectorStoreError
from tests.vectors.kit import numbers, vectors
store = open_store(Path({str(tmp_path)!r}), ("m", 64), "milvus://127.0.0.1:{free_port()}", {{}})
try:
    store.have(numbers(3))
except VectorStoreError:
    pass
lite = open_store(Path({str(tmp_path)!r}), ("m", 64), "lite", {{}})
lite.add(numbers(3), vectors(3))
print(len(lite))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert (done.returncode, done.stdout, done.stderr) == (0, "3\n", "")


@pytest.mark.parametrize(("uri", "extra"), [("milvus://127.0.0.1:1", "milvus"), ("lite", "milvus-lite")])
def test_without_the_package_its_extra_is_told(tmp_path, monkeypatch, uri, extra):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    store = open_store(tmp_path, (MODEL, DIMENSION), uri, {})
    with pytest.raises(MissingRequirement) as told:
        store.add(numbers(1), vectors(1))
    assert told.value.code == "NoVectorStore"
    assert f"dspy-agent[{extra}]" in told.value.next
