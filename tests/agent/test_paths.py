"""Nothing outside the workspace is ever opened."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dspy_agent.workspace.files import open_regular
from dspy_agent.workspace.paths import confine, display, open_workspace
from dspy_agent_core.errors import WorkspaceError


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    inside = tmp_path / "workspace"
    (inside / "src").mkdir(parents=True)
    (inside / "src" / "a.py").write_text("a")
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "workspace-2").mkdir()
    (inside / "out").symlink_to(tmp_path)
    (inside / "in").symlink_to("src")
    (inside / "loop").symlink_to("loop")
    return open_workspace(inside)


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("..", "OutsideWorkspace"),
        ("src/../../secret.txt", "OutsideWorkspace"),
        ("../nope", "OutsideWorkspace"),
        ("../workspace-2", "OutsideWorkspace"),
        ("/etc/passwd", "OutsideWorkspace"),
        ("out", "OutsideWorkspace"),
        ("out/secret.txt", "OutsideWorkspace"),
        ("out/nope", "OutsideWorkspace"),
        ("a\0b", "BadPath"),
        ("nope", "PathNotFound"),
        ("src/a.py/b", "PathNotFound"),
        ("loop", "PathUnusable"),
        ("x" * 5000, "PathUnusable"),
    ],
)
def test_refused(workspace: Path, path: str, code: str) -> None:
    with pytest.raises(WorkspaceError) as caught:
        confine(workspace, path)
    assert caught.value.code == code


@pytest.mark.parametrize("path", [".", "src/a.py", "src/../src", "in/a.py", "./in"])
def test_allowed(workspace: Path, path: str) -> None:
    assert confine(workspace, path).is_relative_to(workspace)
    assert confine(workspace, str(workspace / path)) == confine(workspace, path)


def test_a_workspace_without_permission(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)  # root may read everything
    with pytest.raises(WorkspaceError) as caught:
        open_workspace(workspace)
    assert caught.value.code == "PermissionDenied"


@pytest.mark.parametrize("path", ["a\0b", "nope"])
def test_no_workspace(tmp_path: Path, path: str) -> None:
    with pytest.raises(WorkspaceError):
        open_workspace(tmp_path / path)


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        with pytest.raises(OSError, match="regular"):
            open_regular(path)


def test_display_escapes_stray_bytes() -> None:
    assert display(os.fsdecode(b"a\xff\xc3\xa9")) == "a\\xffé"
