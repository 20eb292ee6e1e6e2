"""Killed at any write, a change has landed whole or not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from dspy_agent.checkpoints.store import Store
from tests.checkpoints.kit import files_of, folders_of, in_child, memory_folder

# Python 3.12 and later warn of a fork beside threads, such as those of pytest-xdist.
pytestmark = pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")

CHANGES = {
    "run.sh": b"#!/bin/sh\necho new\n",
    "src/a.py": b"value = 2\r\nno newline",
    "src/new/deep/b.py": b"made = True\n",
    "old.txt": None,
    "other.txt": b"second\n",
}


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as found:
        yield found


def make(root: Path) -> Path:
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_bytes(b"value = 1\r\n")
    (root / "old.txt").write_bytes(b"goes\n")
    (root / "other.txt").write_bytes(b"first\n")
    (root / "run.sh").write_bytes(b"#!/bin/sh\necho old\n")
    (root / "run.sh").chmod(0o755)
    return root


def test_apply_killed_at_each_write(folder: Path) -> None:
    landed = 0
    for number in range(1, 200):
        root = make(folder / str(number))
        before = files_of(root), folders_of(root)
        Store(root).propose(CHANGES, {"task": "all"})
        through = in_child(number, lambda root=root: Store(root).apply())
        if number % 5 == 0:  # who takes it back is killed too
            for again in range(1, 60, 3):
                if in_child(again, Store(root).checkpoints):
                    break
        store = Store(root)
        known = store.checkpoints()
        if known:
            landed += 1
        else:
            assert (files_of(root), folders_of(root)) == before
            assert store.pending()
            Store(root).apply()
        assert files_of(root)["src/a.py"][0] == CHANGES["src/a.py"]
        assert files_of(root)["run.sh"][1] == 0o755
        assert "old.txt" not in files_of(root)
        Store(root).undo()
        assert (files_of(root), folders_of(root)) == before
        assert not list(root.rglob(".dspy_*.new"))
        shutil.rmtree(root)
        if through:
            break
    assert number > 25
    assert landed


def test_undo_killed_at_each_write(folder: Path) -> None:
    for number in range(1, 200):
        root = make(folder / str(number))
        before = files_of(root), folders_of(root)
        Store(root).propose(CHANGES, {})
        Store(root).apply()
        after = files_of(root)
        through = in_child(number, lambda root=root: Store(root).undo())
        known = Store(root).checkpoints()
        if len(known) == 1:
            assert files_of(root) == after
            Store(root).undo()
        assert files_of(root) == before[0]
        Store(root).undo(2)
        assert files_of(root) == after
        shutil.rmtree(root)
        if through:
            break
    assert number > 20


def test_propose_killed_at_each_write(folder: Path) -> None:
    for number in range(1, 200):
        root = make(folder / str(number))
        Store(root).propose({"other.txt": b"earlier\n"}, {})
        through = in_child(number, lambda root=root: Store(root).propose(CHANGES, {}))
        store = Store(root)
        proposal = store.pending()
        assert proposal
        assert store.notes == []
        for change in proposal.files:
            store.read(change.before)
            store.read(change.after)
        Store(root).apply()
        shutil.rmtree(root)
        if through:
            break
    assert number > 10
