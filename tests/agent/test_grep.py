"""grep on nasty trees: both engines skip, cut, sort and report the same way."""

from __future__ import annotations

import os
import socket
import subprocess
from pathlib import Path

import pytest

from dspy_agent.search import ripgrep
from dspy_agent.search.grep import Search
from dspy_agent.tools import grep
from dspy_agent.tools.arguments import GrepArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.workspace.paths import open_workspace
from dspy_agent_core.contracts.results import Hits


@pytest.fixture(params=["ripgrep", "own reader"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory) -> str:
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    if request.param == "own reader":
        monkeypatch.setattr(ripgrep, "find_ripgrep", lambda: None)
    else:
        assert ripgrep.find_ripgrep()
        monkeypatch.setattr("dspy_agent.search.reader.search_folder", None)  # no silent fallback
    return request.param


def run(root: Path, pattern: str, **options: object) -> Hits:
    return grep.run(GrepArguments(pattern, **options), ToolContext(open_workspace(root)))  # type: ignore[arg-type]


def places(result: Hits) -> list[str]:
    return [f"{hit.path}:{hit.line}" for hit in result.hits]


def test_binary_files_are_skipped_wherever_the_nul_is(tmp_path: Path, engine: str) -> None:
    (tmp_path / "early.bin").write_bytes(b"needle\0")
    (tmp_path / "late.bin").write_bytes(b"needle\n" + b"x" * 9_000_000 + b"\0")
    (tmp_path / "text.txt").write_bytes(b"needle \xff\xfe\n")
    assert [(hit.path, hit.text) for hit in run(tmp_path, "needle").hits] == [
        ("text.txt", "needle \ufffd\ufffd")
    ]
    named = run(tmp_path, "needle", paths=("early.bin",))
    assert not named
    assert named.skipped
    assert named.skipped[0].reason == "binary file"


def test_byte_order_marks(tmp_path: Path, engine: str) -> None:
    (tmp_path / "le.txt").write_bytes(b"\xff\xfe" + "x\nneedle é\n".encode("utf-16-le"))
    (tmp_path / "be.txt").write_bytes(b"\xfe\xff" + "needle\n".encode("utf-16-be"))
    (tmp_path / "utf8.txt").write_bytes(b"\xef\xbb\xbfneedle\n")
    assert places(run(tmp_path, "^needle")) == ["be.txt:1", "le.txt:2", "utf8.txt:1"]


def test_symlinks_pipes_and_sockets_are_left_alone(tmp_path: Path, engine: str) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "outside.txt").write_text("needle")
    (root / "link.txt").symlink_to(tmp_path / "outside.txt")
    (root / "folder").symlink_to(tmp_path)
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(root / "socket"))
        (root / "file.txt").write_text("needle")
        assert places(run(root, "needle")) == ["file.txt:1"]
        named = run(root, "needle", paths=("pipe",))
    assert named.skipped
    assert named.skipped[0].reason == "not a regular file"


def test_deep_trees(tmp_path: Path, engine: str) -> None:
    here = str(tmp_path)
    for _ in range(1000):
        here += "/d"
        Path(here).mkdir()
    Path(f"{here}/leaf.txt").write_text("needle")
    try:
        assert [hit.path.count("/") for hit in run(tmp_path, "needle").hits] == [1000]
    finally:
        subprocess.run(["rm", "-rf", f"{tmp_path}/d"], check=True)


def test_long_lines_are_cut_and_quick(tmp_path: Path, engine: str) -> None:
    (tmp_path / "min.js").write_text("foo=1;" * 500_000 + "\n")
    text = run(tmp_path, "foo.*1").hits[0].text or ""
    assert text.endswith("… [2999000 more]")
    assert not run(tmp_path, r"foo.*foo.*\w+bar")


def test_a_line_that_is_too_long_for_a_message(tmp_path: Path, engine: str) -> None:
    (tmp_path / "a.txt").write_text("one\n" + "needle " * 2_000_000 + "\nneedle\n")
    result = run(tmp_path, "needle")
    assert places(result) == ["a.txt:2", "a.txt:3"]
    assert len(result.hits[0].text or "") < 1100


def test_evil_patterns_end(tmp_path: Path, engine: str) -> None:
    (tmp_path / "a.txt").write_text("a" * 50_000 + "\n" + "é" + "a" * 50_000 + "b\n")
    assert places(run(tmp_path, "(a+)+$")) == ["a.txt:1"]
    assert places(run(tmp_path, "(a|a)*(a|aa)+b$")) == ["a.txt:2"]
    assert places(run(tmp_path, "x*a*a*a*a*a*c")) == []


def test_order_limits_and_context(tmp_path: Path, engine: str) -> None:
    for name in ("b.txt", "a/z.txt", "a.txt", "a-b.txt", "B.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("one\nneedle 1\nthree\nneedle 2\r\nfive")
    order = ["B.txt", "a/z.txt", "a-b.txt", "a.txt", "b.txt"]
    assert list(dict.fromkeys(hit.path for hit in run(tmp_path, "needle").hits)) == order
    assert places(run(tmp_path, "needle", max_count=1)) == [f"{name}:2" for name in order]
    limited = run(tmp_path, "needle", max_hits=3)
    assert places(limited) == ["B.txt:2", "B.txt:4", "a/z.txt:2"]
    assert limited.truncated
    hit = run(tmp_path, "needle 2", before_context=2, after_context=9, paths=("a.txt",)).hits[0]
    assert (hit.before, hit.text, hit.after) == (["needle 1", "three"], "needle 2", ["five"])
    twice = run(tmp_path, "needle 1", paths=("a", ".", "a/z.txt", "b.txt"))
    assert [hit.path for hit in twice.hits] == ["a/z.txt", "B.txt", "a-b.txt", "a.txt", "b.txt"]


def test_case(tmp_path: Path, engine: str) -> None:
    (tmp_path / "a.txt").write_text("Über uns\nüber uns\nÜBER UNS\n")
    assert len(run(tmp_path, "über").hits) == 3
    assert places(run(tmp_path, "Über")) == ["a.txt:1"]
    assert places(run(tmp_path, "über", case_sensitive=True)) == ["a.txt:2"]
    assert len(run(tmp_path, "Über", ignore_case=True).hits) == 3


def test_global_ignore_file_and_parents(tmp_path: Path, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Path(os.environ["HOME"])
    (home / ".gitconfig").write_text("[core]\n  excludesFile = ~/mine\n")
    (home / "mine").write_text("*.log\n")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".gitignore").write_text("build/\n*.tmp\n")
    inner = tmp_path / "inner"
    for name in ("a.log", "a.tmp", "a.txt", "build/a.txt", ".hidden"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_text("needle")
    assert places(run(inner, "needle")) == ["a.txt:1"]
    assert places(run(inner, "needle", hidden=True)) == [".hidden:1", "a.txt:1"]
    assert len(run(inner, "needle", no_ignore=True).hits) == 4
    assert places(run(inner, "needle", globs=("*.log",))) == ["a.log:1"]


def test_a_folder_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ripgrep, "find_ripgrep", lambda: None)
    (tmp_path / "closed").mkdir()
    (tmp_path / "open.txt").write_text("needle")
    scandir = os.scandir

    def refuse(path: str):
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read everything
    result = run(tmp_path, "needle")
    assert places(result) == ["open.txt:1"]
    assert result.skipped
    assert (result.skipped[0].path, result.skipped[0].reason) == ("closed", "permission denied")


def test_files_that_vanish_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ripgrep, "find_ripgrep", lambda: None)
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text("needle")
    query = grep.make_query(GrepArguments("needle"), str(tmp_path))
    search = Search(query)
    found = []
    for file in search.run([str(tmp_path)]):
        found.append(Path(file.path).name)
        (tmp_path / "b.txt").unlink(missing_ok=True)
    assert found == ["a.txt", "c.txt"]
    assert list(search.skipped.values()) == ["no such file or directory"]


def test_without_a_new_enough_ripgrep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "rg"
    fake.write_text("#!/bin/sh\necho 'ripgrep 13.0.0'\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    ripgrep.find_ripgrep.cache_clear()
    try:
        assert ripgrep.find_ripgrep() is None
    finally:
        ripgrep.find_ripgrep.cache_clear()
