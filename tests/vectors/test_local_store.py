"""The local store: what was added is found, by any process, as exactly as a full product would."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.vectors.local.store import LocalStore
from dspy_agent.vectors.store import models_here, open_store
from dspy_agent_core.errors import ModelError
from tests.vectors.kit import DIMENSION, MODEL, numbers, vectors


def opened(folder, **other):
    return open_store(folder, (MODEL, DIMENSION), environment={}, **other)


def exact(query, keys, rows, limit):
    scores = rows @ query
    best = np.argsort(-scores, kind="stable")[:limit]
    return best, scores[best]


def test_nothing_is_there_and_nothing_is_made_before_something_is_added(tmp_path):
    store = opened(tmp_path / "vectors")
    positions, scores = store.search(vectors(1)[0], numbers(5), 10)
    assert len(store) == len(positions) == len(scores) == 0
    assert not store.have(numbers(5)).any()
    assert store.prune(numbers(5)) == 0
    assert store.notes == []
    assert not (tmp_path / "vectors").exists()


@pytest.mark.parametrize("count", [1, 63, 20_000])
def test_the_nearest_are_those_of_a_full_product(tmp_path, count):
    store, keys, rows = opened(tmp_path), numbers(count), vectors(count)
    store.add(keys, rows)
    for query in vectors(20, seed=1):
        positions, scores = store.search(query, keys, 10)
        best, best_scores = exact(query, keys, rows, 10)
        assert positions.tolist() == best.tolist()
        assert scores.tolist() == pytest.approx(best_scores.tolist(), abs=1e-5)


@pytest.mark.parametrize("dimension", [256, 300, 384])
def test_of_many_vectors_the_best_are_found_without_reading_all(tmp_path, dimension):
    """Vectors as models make them: some directions are common to many, and all share a part."""
    rng = np.random.default_rng(5)
    topics = vectors(200, dimension=dimension)
    rows = topics[rng.integers(0, 200, 20_000)] + 0.9 * vectors(20_000, 1, dimension) + 0.7 * topics[0]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    keys = numbers(20_000)
    store = open_store(tmp_path, ("test:topics", dimension), environment={})
    store.add(keys[:9000], rows[:9000])
    store.search(rows[0], keys, 10)
    store.add(keys[9000:], rows[9000:])
    found = 0
    for number in range(0, 20_000, 400):
        query = rows[number] + 0.8 * vectors(1, number, dimension)[0]
        query /= np.linalg.norm(query)
        positions, scores = store.search(query, keys, 10)
        best, best_scores = exact(query, keys, rows, 10)
        assert (np.diff(scores) <= 0).all()
        assert scores[0] == pytest.approx(best_scores[0], abs=1e-5)
        found += len(np.intersect1d(positions, best))
    assert found >= 0.99 * 10 * 50


def test_only_what_is_alive_is_found_in_the_order_of_the_caller(tmp_path):
    store, keys, rows = opened(tmp_path), numbers(300), vectors(300)
    store.add(keys, rows)
    alive = keys[[7, 250, 9, 7]]  # the same text may be in two places
    positions, scores = store.search(rows[7], np.append(alive, numbers(1, 900)), 10)
    assert positions.tolist()[:2] == [0, 3]
    assert sorted(positions.tolist()) == [0, 1, 2, 3]
    assert scores[0] == scores[1] == pytest.approx(1, abs=1e-5)


def test_another_key_array_is_looked_up_anew(tmp_path):
    store, keys, rows = opened(tmp_path), numbers(50), vectors(50)
    store.add(keys, rows)
    assert store.search(rows[3], keys, 1)[0].tolist() == [3]
    assert store.search(rows[3], keys[::-1].copy(), 1)[0].tolist() == [46]
    assert store.search(rows[3], keys[:2], 1)[0].tolist() != [3]


def test_a_reader_sees_what_another_store_object_adds(tmp_path):
    reader, writer = opened(tmp_path), opened(tmp_path)
    keys, rows = numbers(6000), vectors(6000)
    for start in range(0, 6000, 1500):
        batch = slice(start, start + 1500)
        writer.add(keys[batch], rows[batch])
        assert len(reader) == start + 1500
        assert reader.search(rows[start + 7], keys, 1)[0].tolist() == [start + 7]
        assert reader.have(keys).sum() == start + 1500


def test_adding_again_adds_nothing(tmp_path):
    store, keys, rows = opened(tmp_path), numbers(10), vectors(10)
    store.add(keys, rows)
    before = sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*"))
    store.add(keys, rows)
    store.add(keys[[1, 1, 2]], rows[[1, 1, 2]])
    assert sorted((path.name, path.stat().st_size) for path in tmp_path.rglob("*")) == before


def test_a_text_that_says_nothing_has_its_vector_and_is_never_found(tmp_path):
    store, keys, rows = opened(tmp_path), numbers(3), vectors(3)
    rows[1] = 0
    store.add(keys, rows)
    assert store.have(keys).all()
    assert sorted(store.search(rows[0], keys, 10)[0].tolist()) == [0, 2]


def test_vectors_of_another_dimension_and_non_numbers_are_refused(tmp_path):
    store = opened(tmp_path)
    with pytest.raises(ModelError, match="32 numbers") as refused:
        store.add(numbers(2), vectors(2, dimension=32))
    assert refused.value.code == "DimensionChanged"
    assert "emb-index" in refused.value.next
    with pytest.raises(ModelError, match="32 numbers"):
        store.search(vectors(1, dimension=32)[0], numbers(2), 3)
    bad = vectors(2)
    bad[1, 3] = np.nan
    with pytest.raises(ModelError, match="none"):
        store.add(numbers(2), bad)
    assert len(store) == 0


def test_models_are_never_mixed_and_those_here_are_known(tmp_path):
    first = open_store(tmp_path, ("ollama:a/b", 8), environment={})
    second = open_store(tmp_path, ("ollama:a_b", 8), environment={})
    third = open_store(tmp_path, ("ollama:a/b", 16), environment={})
    first.add(numbers(3), vectors(3, dimension=8))
    assert len(second) == len(third) == 0
    third.add(numbers(2), vectors(2, dimension=16))
    assert len(first) == 3
    here = {(kept.model, kept.dimension) for kept in models_here(tmp_path)}
    assert here == {("ollama:a/b", 8), ("ollama:a/b", 16)}
    assert models_here(tmp_path / "absent") == []


def test_what_is_dead_goes_when_it_is_most(tmp_path):
    store, reader = opened(tmp_path), opened(tmp_path)
    keys, rows = numbers(3000), vectors(3000)
    store.add(keys, rows)
    assert reader.search(rows[2900], keys, 1)[0].tolist() == [2900]
    assert store.prune(keys[:2000]) == 0  # not worth it
    size = sum(path.stat().st_size for path in tmp_path.rglob("*.vectors"))
    alive = keys[2500:].copy()
    assert store.prune(alive) == 2500
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.vectors")) == size / 6
    for either in (store, reader, opened(tmp_path)):
        assert len(either) == 500
        assert either.have(keys).tolist() == [False] * 2500 + [True] * 500
        assert either.search(rows[2900], alive, 1)[0].tolist() == [400]
    store.add(keys[:5], rows[:5])
    assert reader.have(keys[:6]).tolist() == [True] * 5 + [False]


def test_the_folder_may_go_while_it_is_used(tmp_path):
    import shutil

    store, keys, rows = opened(tmp_path / "vectors"), numbers(10), vectors(10)
    store.add(keys, rows)
    shutil.rmtree(tmp_path / "vectors")
    assert not store.have(keys).any()
    assert store.search(rows[0], keys, 3)[0].tolist() == []
    store.add(keys[:2], rows[:2])
    assert store.search(rows[1], keys, 1)[0].tolist() == [1]


def test_threads_search_while_others_add_and_prune(tmp_path):
    store, keys, rows = opened(tmp_path), numbers(6000), vectors(6000)
    store.add(keys[:100], rows[:100])
    done, failures = threading.Event(), []

    def search(other: LocalStore) -> None:
        try:
            while not done.is_set():
                positions, scores = other.search(rows[42], keys, 5)
                assert positions[0] == 42
                assert scores[0] == pytest.approx(1, abs=1e-5)
        except BaseException as error:
            failures.append(error)

    readers = [threading.Thread(target=search, args=(other,)) for other in (store, opened(tmp_path))]
    for reader in readers:
        reader.start()
    for start in range(100, 6000, 100):
        store.add(keys[start : start + 100], rows[start : start + 100])
    assert store.prune(keys[:1000]) == 5000
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []


@given(
    st.lists(st.tuples(st.integers(0, 2**64 - 1), st.booleans()), max_size=60, unique_by=lambda pair: pair[0])
)
def test_any_key_is_found_again(tmp_path_factory, pairs):
    store = opened(tmp_path_factory.mktemp("vectors"))
    keys = np.array([key for key, _ in pairs], np.uint64)
    added = np.array([is_added for _, is_added in pairs], bool)
    rows = vectors(len(keys))
    for number in np.flatnonzero(added):
        store.add(keys[number : number + 1], rows[number : number + 1])
    assert store.have(keys).tolist() == added.tolist()
    for number in np.flatnonzero(added):
        assert store.search(rows[number], keys, 1)[0].tolist() == [number]
