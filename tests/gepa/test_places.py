"""Where training keeps its files, and that a session trains in its own workspace."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dspy_agent.modules.state import make_folder, state_file
from tests.gepa.conftest import Ran
from tests.gepa.kit import PROGRAM, environment
from tests.support.fake_model import FakeModelServer


def test_a_session_has_the_commands(
    home: Path, project: Path, server: FakeModelServer, tmp_path: Path
) -> None:
    make_folder(project)
    state_file(project, "plan").write_text("rubbish")
    done = subprocess.run(
        [*PROGRAM, "--workspace", str(project)],
        cwd=tmp_path,
        env=environment(home, server),
        input="help\ngepa eval --module plan\n",
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 1
    assert ", gepa" in done.stdout
    assert "What was trained can't be used: it is damaged." in done.stderr


@pytest.mark.parametrize("what", ["file", "link"])
def test_what_is_in_the_way_of_the_folder_is_told(
    run: Callable[..., Ran], server: FakeModelServer, project: Path, tmp_path: Path, what: str
) -> None:
    folder = project / ".dspy_gepa"
    if what == "file":
        folder.write_text("mine")
    else:
        (tmp_path / "elsewhere").mkdir()
        folder.symlink_to(tmp_path / "elsewhere")
    done = run("train", "--module", "plan", "--json")
    assert done.code == 3
    assert done.json["error"]["code"] == "NotWritable"
    assert ".dspy_gepa" in done.json["error"]["next"]
    assert list(tmp_path.glob("elsewhere/*")) == []


def test_an_unusable_key_is_told(run: Callable[..., Ran], server: FakeModelServer, home: Path) -> None:
    key = home / ".local" / "state" / "dspy-agent" / "seal.key"
    key.parent.mkdir(parents=True)
    key.write_bytes(b"k" * 32)
    key.chmod(0o644)
    done = run("train", "--module", "plan", "--json")
    assert done.code == 3
    assert "seal.key" in done.json["error"]["message"]
