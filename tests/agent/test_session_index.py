"""A session keeps the index and its vectors current while it runs, without a command."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dspy_agent.index.folder import IndexFolder
from dspy_agent.index.index import Index
from dspy_agent.index.semantic import Semantic
from tests.agent.session_kit import DEADLINE, Terminal, environment


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("def needle():\n    return 1\n")
    return folder


@pytest.fixture
def session(project: Path, tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal([], project, environment(tmp_path / "state"))
    terminal.expect("project>")
    yield terminal
    terminal.close()


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def indexed(project: Path) -> set[str]:
    index = Index(project, IndexFolder(project / ".dspy_index"))
    index.open()
    return set(index.manifest.files)


def test_a_session_that_does_not_search_makes_no_index(session: Terminal, project: Path) -> None:
    session.send("grep needle\r")
    session.expect("src/app.py:1")
    session.send("exit\r")
    assert session.ends() == 0
    assert not (project / ".dspy_index").exists()


def test_files_that_come_and_go_are_in_the_index_without_a_command(session: Terminal, project: Path) -> None:
    session.send("esearch needle\r")
    session.expect("src/app.py:1 needle")
    (project / "src" / "new.py").write_text("def later():\n    return 2\n")
    wait_until(lambda: "src/new.py" in indexed(project))
    (project / "src" / "app.py").unlink()
    wait_until(lambda: indexed(project) == {"src/new.py"})
    session.send("esearch later\r")
    session.expect("src/new.py:1 later")
    session.send("exit\r")
    assert session.ends() == 0


def test_vectors_are_made_in_the_background(session: Terminal, project: Path) -> None:
    session.send("esearch needle\r")
    session.expect("src/app.py:1 needle")

    def has_all() -> bool:
        index = Index(project, IndexFolder(project / ".dspy_index"))
        index.open()
        have, total = Semantic(index).covered()
        return have == total > 0

    wait_until(has_all)
    session.send("\x04")
    assert session.ends() == 0
