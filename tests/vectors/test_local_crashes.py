"""The local store after crashes and damage: committed rows are there, damaged ones are told and made anew."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from dspy_agent.vectors.fill import fill
from dspy_agent.vectors.store import open_store
from dspy_agent_core.errors import WorkspaceError
from tests.vectors.kit import DIMENSION, MODEL, Texts, WordEmbedder, numbers, vectors

WRITER = """
import sys
from pathlib import Path
from dspy_agent.vectors.store import open_store
from tests.vectors.kit import DIMENSION, MODEL, numbers, vectors
store = open_store(Path(sys.argv[1]), (MODEL, DIMENSION), environment={})
start = int(sys.argv[2])
for at in range(start, start + 100_000, 7):
    store.add(numbers(7, at), vectors(7, seed=at))
    print(at + 7, flush=True)
"""


def opened(folder):
    return open_store(folder, (MODEL, DIMENSION), environment={})


def filled(folder, batches=4, rows=50):
    store = opened(folder)
    for number in range(batches):
        store.add(numbers(rows, number * rows), vectors(rows, seed=number))
    return store


def file_of(folder, kind):
    (path,) = folder.rglob(f"1.{kind}")
    return path


def started(folder, start):
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(start)], stdout=subprocess.PIPE, text=True
    )


def test_a_writer_that_is_killed_at_any_moment_leaves_what_it_said_it_added(tmp_path):
    added = 0
    rng = np.random.default_rng(3)
    for _ in range(6):
        with started(tmp_path, added) as writer:
            for _ in range(int(rng.integers(1, 12))):
                added = int(writer.stdout.readline())
            writer.send_signal(signal.SIGKILL)
            rest = writer.stdout.read().split()
            added = int(rest[-1]) if rest else added
        store = opened(tmp_path)
        assert store.notes == []
        assert added <= len(store) <= added + 7
        assert store.have(numbers(added)).all()
    for at in range(0, added, 7):
        assert store.search(vectors(7, seed=at)[5], numbers(added), 1)[0].tolist() == [at + 5]


PRUNER = """
import sys
from pathlib import Path
from dspy_agent.vectors.store import open_store
from tests.vectors.kit import DIMENSION, MODEL, numbers, vectors
store = open_store(Path(sys.argv[1]), (MODEL, DIMENSION), environment={})
start = int(sys.argv[2])
for at in range(start, start + 10**7, 1200):
    store.add(numbers(1200, at), vectors(1200, seed=at))
    print(at + 1200, flush=True)
    store.prune(numbers(100, at + 1100))
"""


def test_a_process_that_is_killed_while_it_prunes_loses_nothing_that_is_alive(tmp_path):
    rng, added = np.random.default_rng(4), 0
    for _ in range(5):
        command = [sys.executable, "-c", PRUNER, str(tmp_path), str(added)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as pruner:
            for _ in range(int(rng.integers(1, 6))):
                added = int(pruner.stdout.readline())
            pruner.send_signal(signal.SIGKILL)
            added = int((pruner.stdout.read().split() or [added])[-1])
        store = opened(tmp_path)
        assert store.notes == []
        alive = numbers(100, added - 100)
        assert store.have(alive).all()
        query = vectors(1200, seed=added - 1200)[1150]
        assert store.search(query, alive, 1)[0].tolist() == [50]
    store.add(numbers(1), vectors(1))
    assert len({path.name.partition(".")[0] for path in tmp_path.rglob("[0-9]*.*")}) <= 2


def test_two_processes_and_threads_write_at_once(tmp_path):
    with started(tmp_path, 0) as one, started(tmp_path, 10**6) as other:
        store = opened(tmp_path)
        for at in range(5):
            store.add(numbers(7, 2 * 10**6 + 7 * at), vectors(7, seed=2 * 10**6 + 7 * at))
        for writer in (one, other):
            for _ in range(5):
                writer.stdout.readline()
            writer.kill()
    for start in (0, 10**6, 2 * 10**6):
        keys = numbers(35, start)
        assert store.have(keys).all()
        assert store.search(vectors(7, seed=start + 14)[2], keys, 1)[0].tolist() == [16]


@pytest.mark.parametrize("kind", ["keys", "vectors", "commits"])
def test_a_torn_end_is_cut_off(tmp_path, kind):
    whole = filled(tmp_path / "whole")
    data = {name: file_of(tmp_path / "whole", name).read_bytes() for name in ("keys", "vectors", "commits")}
    size = len(data[kind])
    for cut in (1, 3, size // 8, size // 3):
        folder = tmp_path / str(cut)
        shutil.copytree(tmp_path / "whole", folder)
        with file_of(folder, kind).open("r+b") as file:
            file.truncate(size - cut)
        store = opened(folder)
        there = len(store)
        assert there < 200
        assert there % 50 == 0
        assert store.have(numbers(there)).all()
        store.add(numbers(200), np.concatenate([vectors(50, seed=number) for number in range(4)]))
        assert len(opened(folder)) == 200
        assert opened(folder).search(vectors(50, seed=3)[9], numbers(200), 1)[0].tolist() == [159]
        assert opened(folder).notes == []
    assert len(whole) == 200


def test_garbage_after_the_last_commit_does_not_matter(tmp_path):
    store = filled(tmp_path)
    for kind in ("keys", "vectors", "commits"):
        with file_of(tmp_path, kind).open("ab") as file:
            file.write(os.urandom(1000))
    again = opened(tmp_path)
    assert len(again) == len(store) == 200
    again.add(numbers(10, 500), vectors(10, seed=9))
    assert len(opened(tmp_path)) == 210
    assert opened(tmp_path).search(vectors(10, seed=9)[3], numbers(600), 1)[0].tolist() == [503]


@pytest.mark.parametrize("kind", ["keys", "vectors", "commits"])
def test_damage_is_told_passed_over_and_made_anew(tmp_path, kind):
    texts = [f"text {number}" for number in range(200)]
    source, embedder = Texts(texts), WordEmbedder()
    for end in (50, 100, 150, 200):
        fill(opened(tmp_path), embedder, Texts(texts[:end]))
    path = file_of(tmp_path, kind)
    data = bytearray(path.read_bytes())
    middle = len(data) // 3
    data[middle : middle + 40] = b"\xff" * 40
    path.write_bytes(data)
    store = opened(tmp_path)
    lost = int((~store.have(source.keys)).sum())
    assert 0 < lost < 200
    assert "damaged" in store.notes[0]
    assert MODEL in store.notes[0]
    for number in np.flatnonzero(store.have(source.keys))[::7]:
        found = store.search(embedder.embed_query(texts[number]), source.keys, 1)[0]
        assert found.tolist() == [number]
    embedder.embedded.clear()
    assert fill(store, embedder, source).made == lost
    assert len(embedder.embedded) == lost
    assert store.have(source.keys).all()
    assert store.search(embedder.embed_query(texts[70]), source.keys, 1)[0].tolist() == [70]


@pytest.mark.parametrize("kind", ["keys", "vectors", "commits"])
def test_a_file_that_is_gone_is_as_if_nothing_had_been_there(tmp_path, kind):
    filled(tmp_path)
    file_of(tmp_path, kind).unlink()
    store = opened(tmp_path)
    assert len(store) == 0
    store.add(numbers(3), vectors(3))
    assert len(opened(tmp_path)) == 3


def test_files_of_another_version_are_made_anew_and_told(tmp_path):
    filled(tmp_path)
    (name,) = tmp_path.rglob("model.json")
    name.write_text(name.read_text().replace('"version": 1', '"version": 7'))
    store = opened(tmp_path)
    assert len(store) == 0
    assert "version" in store.notes[0]
    store.add(numbers(3), vectors(3))
    assert len(opened(tmp_path)) == 3
    assert opened(tmp_path).notes == []


def test_a_name_that_cant_be_read_is_written_anew(tmp_path):
    filled(tmp_path)
    (name,) = tmp_path.rglob("model.json")
    name.write_text("{")
    store = opened(tmp_path)
    assert len(store) == 200
    store.add(numbers(1, 900), vectors(1))
    assert MODEL in name.read_text()
    assert len(store) == 201


def test_a_full_disk_is_told_and_tears_nothing(tmp_path):
    """The limit on the size of a file stands for the disk's end: a write fails in its middle."""
    store = filled(tmp_path)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    size = file_of(tmp_path, "vectors").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 1000, hard))
    try:
        with pytest.raises(WorkspaceError, match="can't be written") as full:
            store.add(numbers(50, 200), vectors(50, seed=4))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert full.value.code == "VectorsUnusable"
    assert file_of(tmp_path, "vectors").stat().st_size == size
    assert len(store) == len(opened(tmp_path)) == 200
    store.add(numbers(50, 200), vectors(50, seed=4))
    assert opened(tmp_path).search(vectors(50, seed=4)[1], numbers(250), 1)[0].tolist() == [201]


def test_a_full_disk_while_pruning_leaves_what_was_there(tmp_path):
    store = filled(tmp_path, batches=30, rows=100)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(WorkspaceError):
            store.prune(numbers(1000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert len(store) == len(opened(tmp_path)) == 3000
    assert store.prune(numbers(1000)) == 2000


def test_a_folder_that_cant_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(WorkspaceError, match="can't be"):
        opened(tmp_path / "file").add(numbers(1), vectors(1))


def test_a_store_that_another_process_writes_is_read_without_a_pause(tmp_path):
    filled(tmp_path)
    with started(tmp_path, 10_000) as writer:
        store = opened(tmp_path)
        seen = set()
        while len(seen) < 5:
            seen.add(len(store))
            assert store.search(vectors(50, seed=1)[4], numbers(200), 1)[0].tolist() == [54]
        writer.kill()
