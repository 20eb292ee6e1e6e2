"""ls and tree: sizes, counts, order, ignored files, hostile folders."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dspy_agent.cli.reference import PAGE, reference
from dspy_agent.tools import ls, tree
from dspy_agent.tools.amounts import count, human_size
from dspy_agent.tools.arguments import LsArguments, TreeArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.errors import WorkspaceError


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    for name, size in {"b/x.txt": 10, "b/c/y.txt": 5, "b/out/z.txt": 99, "a.txt": 2000, ".hidden": 1}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "link").symlink_to("b")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


def run_tree(root: Path, path: str = ".", **options: object) -> tree.Tree:
    return tree.run(TreeArguments(path, **options), ToolContext(open_workspace(root)))  # type: ignore[arg-type]


def test_tree_counts_what_is_not_ignored(project: Path) -> None:
    found = run_tree(project)
    assert [(n.path, n.kind, n.size, n.files) for n in found.entries] == [
        ("a.txt", "file", 2000, None),
        ("b", "folder", 15, 2),
        ("b/c", "folder", 5, 1),
        ("b/c/y.txt", "file", 5, None),
        ("b/x.txt", "file", 10, None),
        ("link", "symlink", 0, None),
        ("pipe", "other", 0, None),
    ]
    assert (found.folders, found.files, found.size) == (2, 5, 2015)


def test_tree_depth_limits_what_is_listed_and_not_what_is_counted(project: Path) -> None:
    found = run_tree(project, depth=1)
    assert [n.path for n in found.entries] == ["a.txt", "b", "link", "pipe"]
    assert found.size == 2015
    limited = run_tree(project, max_entries=2)
    assert (len(limited.entries), limited.truncated) == (2, True)
    assert [n.path for n in run_tree(project, "b", depth=1).entries] == ["b/c", "b/x.txt"]


def test_all_shows_hidden_and_ignored(project: Path) -> None:
    assert "b/out/z.txt" in [n.path for n in run_tree(project, all=True).entries]
    listing = ls.run(LsArguments(all=True), ToolContext(open_workspace(project)))
    assert [item.name for item in listing.entries][:3] == [".git", ".gitignore", ".hidden"]


def test_ls_sorts_by_name_and_marks_kinds(project: Path) -> None:
    listing = ls.run(LsArguments(), ToolContext(open_workspace(project)))
    assert [ls.label(item.name, item.kind) for item in listing.entries] == ["a.txt", "b/", "link@", "pipe|"]
    assert listing.entries[0].size == 2000


def test_empty(tmp_path: Path) -> None:
    assert not run_tree(tmp_path)
    assert not ls.run(LsArguments(), ToolContext(open_workspace(tmp_path)))


def test_a_folder_that_cannot_be_read(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scandir = os.scandir

    def refuse(path: str):
        if path.endswith("/b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read everything
    found = run_tree(project)
    assert found.skipped
    assert (found.skipped[0].path, found.skipped[0].reason) == ("b", "permission denied")
    assert "a.txt" in [n.path for n in found.entries]
    with pytest.raises(WorkspaceError) as caught:
        ls.run(LsArguments("b"), ToolContext(open_workspace(project)))
    assert caught.value.code == "PermissionDenied"


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB")]
)
def test_human_size(size: int, text: str) -> None:
    assert human_size(size) == text


def test_the_reference_is_current(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSPY_AGENT_WORKSPACE", raising=False)
    assert PAGE.read_text() == reference(), "run: uv run python -m dspy_agent.cli.reference"


@pytest.mark.parametrize(("number", "text"), [(0, "0 files"), (1, "1 file"), (2000, "2,000 files")])
def test_count(number: int, text: str) -> None:
    assert count(number, "file") == text
