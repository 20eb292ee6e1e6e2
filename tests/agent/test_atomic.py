"""State files: whole or not at all, and never through a symlink that a repository brought along."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.index.location import index_folder
from dspy_agent.workspace.atomic import exclusive, write_atomic


@pytest.mark.parametrize("name", ["state", "state.new"])
def test_a_symlink_is_replaced_and_not_followed(tmp_path: Path, name: str) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / name).symlink_to(victim)
    write_atomic(tmp_path / "state", [b"new", b" text"])
    assert victim.read_text() == "precious"
    assert (tmp_path / "state").read_text() == "new text"
    assert not (tmp_path / "state").is_symlink()
    assert not (tmp_path / "state.new").exists()


def test_what_a_killed_writer_left_is_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "state.new").write_text("half")
    write_atomic(tmp_path / "state", [b"whole"])
    assert (tmp_path / "state").read_text() == "whole"


def test_a_lock_is_not_taken_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="lock"), exclusive(tmp_path / "lock", wait=False):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_an_index_that_leads_elsewhere_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    workspace, elsewhere = tmp_path / "work", tmp_path / "elsewhere"
    (workspace / ".dspy_index").mkdir(parents=True)
    elsewhere.mkdir()
    assert index_folder(workspace) == workspace / ".dspy_index"
    (workspace / ".dspy_index" / "vectors").symlink_to(elsewhere)
    assert index_folder(workspace).is_relative_to(tmp_path / "state")
