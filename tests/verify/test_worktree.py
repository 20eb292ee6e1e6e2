"""Scratch copies: what they hold, what they lack, and that nothing of them reaches the workspace."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from dspy_agent.verify import worktree
from dspy_agent.verify.worktree import scratch, state_of
from dspy_agent_core.errors import WorkspaceError


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    root = tmp_path / "project"
    (root / "src").mkdir(parents=True)
    (root / "src" / "a.py").write_text("a = 1\n")
    (root / ".coveragerc").write_text("[run]\n")
    return root


def listed(tree: Path) -> set[str]:
    return {
        path.relative_to(tree).as_posix()
        for path in tree.rglob("*")
        if not path.is_dir() or path.is_symlink()
    }


def test_changes_are_made_in_the_copy_only(workspace: Path, tmp_path: Path) -> None:
    (workspace / "run.sh").write_text("echo\n")
    (workspace / "run.sh").chmod(0o555)
    with scratch(workspace, {"src/a.py": b"a = 2\n", "new/b.py": b"", ".coveragerc": None}) as made:
        assert listed(made.tree) == {"src/a.py", "new/b.py", "run.sh"}
        assert (made.tree / "src" / "a.py").read_text() == "a = 2\n"
        assert os.access(made.tree / "run.sh", os.X_OK)
        (made.tree / "run.sh").write_text("mine")
        (made.tree / "src").chmod(0o500)
    assert listed(workspace) == {"src/a.py", ".coveragerc", "run.sh"}
    assert (workspace / "run.sh").read_text() == "echo\n"
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_what_tests_do_not_need_is_left_out(workspace: Path) -> None:
    (workspace / ".gitignore").write_text("generated.py\n")
    (workspace / "generated.py").write_text("version = 1\n")
    for name in (".git", "__pycache__", ".dspy_index", "env", "target", "vendor"):
        (workspace / name).mkdir()
        (workspace / name / "x").write_text("x")
    (workspace / "env" / "pyvenv.cfg").write_text("")
    (workspace / "target" / "CACHEDIR.TAG").write_text("")
    (workspace / ".dspy_memory.jsonl").write_text("")
    with scratch(workspace, {}) as made:
        assert listed(made.tree) == {"src/a.py", ".coveragerc", ".gitignore", "generated.py", "vendor/x"}


def test_modules_of_javascript_are_linked_and_own_packages_are_of_the_copy(workspace: Path) -> None:
    modules = workspace / "node_modules"
    for name in ("left", "@scope/right", ".bin"):
        (modules / name).mkdir(parents=True)
        (modules / name / "index.js").write_text("")
    (modules / "own").symlink_to("../src")
    with scratch(workspace, {"src/a.py": b"a = 2\n"}) as made:
        copied = made.tree / "node_modules"
        assert (copied / "left").readlink() == modules / "left"
        assert (copied / "@scope" / "right").readlink() == modules / "@scope" / "right"
        assert (copied / "own" / "a.py").read_text() == "a = 2\n"
        assert (copied / ".bin" / "index.js").is_file()


def test_links_lead_to_the_same_files(workspace: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("outside")
    (workspace / "out").symlink_to("../data")
    (workspace / "in").symlink_to("src/a.py")
    (workspace / "absolute").symlink_to(workspace / "src")
    (workspace / "loop").symlink_to("loop")
    with scratch(workspace, {}) as made:
        assert (made.tree / "out").read_text() == "outside"
        (made.tree / "in").write_text("changed")
        assert (made.tree / "loop").is_symlink()
    assert (workspace / "src" / "a.py").read_text() == "a = 1\n"


def test_what_is_no_plain_file_is_passed_over(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worktree, "MAX_FILE_BYTES", 100)
    os.mkfifo(workspace / "pipe")
    with socket.socket(socket.AF_UNIX) as made_socket:
        made_socket.bind(str(workspace / "socket"))
    (workspace / "big.bin").write_bytes(b"x" * 101)
    Path(os.fsdecode(os.fsencode(workspace) + b"/\xff\n")).write_text("odd name")
    with scratch(workspace, {}) as made:
        assert made.left_out == ["big.bin"]
        assert len(listed(made.tree)) == 3


def test_a_workspace_that_is_too_large(
    workspace: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MAX_FILES", "MAX_TOTAL_BYTES"):
        with monkeypatch.context() as patch:
            patch.setattr(worktree, name, 1)
            with pytest.raises(WorkspaceError) as told, scratch(workspace, {}):
                pass
            assert told.value.code == "WorkspaceTooLarge"
    with pytest.raises(WorkspaceError), scratch(workspace, {"../x": b""}):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_each_state_is_told_from_the_next(workspace: Path) -> None:
    states = [state_of(workspace)]
    (workspace / ".dspy_memory.jsonl").write_text("")
    (workspace / "src" / "__pycache__").mkdir()
    assert state_of(workspace) == states[0]
    (workspace / "src" / "a.py").write_text("a = 22\n")
    states.append(state_of(workspace))
    (workspace / "src" / "b.py").write_text("")
    states.append(state_of(workspace))
    (workspace / "src" / "b.py").unlink()
    (workspace / "src" / "b.py").symlink_to("a.py")
    states.append(state_of(workspace))
    assert len(set(states)) == 4
