"""The session on a terminal: history, completion, Ctrl-C, signals, and the terminal left as it was."""

from __future__ import annotations

import os
import signal
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.session_kit import Terminal, environment

Start = Callable[..., Terminal]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "src" / "deep").mkdir(parents=True)
    (folder / "src" / "app.py").write_text("def needle():\n    return 1\n")
    return folder


@pytest.fixture
def start(project: Path, tmp_path: Path) -> Iterator[Start]:
    running: list[Terminal] = []

    def begin(*words: str, **extra: str) -> Terminal:
        terminal = Terminal(list(words), project, environment(tmp_path / "state", **extra))
        running.append(terminal)
        terminal.expect("project>")
        return terminal

    yield begin
    for terminal in running:
        terminal.close()


def test_verbs_work_without_the_prefix_until_exit(start: Start) -> None:
    terminal = start()
    terminal.send("grep needle\r")
    terminal.expect("src/app.py:1:def needle():")
    terminal.send("ls --json\r")
    terminal.expect('"entries"')
    terminal.send("exit\r")
    assert terminal.ends() == 0
    assert terminal.modes() == terminal.before


def test_ctrl_d_ends_it(start: Start) -> None:
    terminal = start()
    terminal.send("\x04")
    assert terminal.ends() == 0
    assert terminal.modes() == terminal.before


def test_ctrl_c_drops_the_line_and_nothing_else(start: Start) -> None:
    terminal = start()
    terminal.send("exit now\x03")
    terminal.expect("project>")
    terminal.send("ls\r")
    terminal.expect("src/")
    terminal.send("exit\r")
    assert terminal.ends() == 0


def test_ctrl_c_stops_a_running_tool_and_the_session_goes_on(start: Start) -> None:
    terminal = start()
    terminal.send("ctx --logs -\r")  # reads what is typed until it ends
    terminal.wait_until_a_tool_reads()
    terminal.send("ERROR lost\n")
    terminal.expect("ERROR lost")
    terminal.wait_until_all_is_read()
    terminal.send("\x03")
    terminal.expect("interrupted")
    terminal.send("grep needle\r")
    terminal.expect("src/app.py:1:")
    terminal.send("exit\r")
    assert terminal.ends() == 0


def test_an_error_is_told_and_the_session_goes_on(start: Start) -> None:
    terminal = start()
    terminal.send("ls no/such/folder\r")
    terminal.expect("error: ")
    terminal.expect("next: ")
    terminal.send("grep '('\r")
    terminal.expect("error: ")
    terminal.send("grep 'unclosed\r")
    terminal.expect("quotes")
    terminal.send("exit\r")
    assert terminal.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_ends_it_and_restores_the_terminal(start: Start, number: int) -> None:
    terminal = start()
    terminal.send("half a li")
    terminal.expect("half a li")
    os.kill(terminal.process.pid, number)
    assert terminal.ends() == 128 + number
    assert terminal.modes() == terminal.before


def test_a_signal_while_a_tool_runs_ends_it(start: Start) -> None:
    terminal = start()
    terminal.send("ctx --logs -\r")
    terminal.wait_until_a_tool_reads()
    terminal.send("something\n")
    terminal.expect("something")
    terminal.wait_until_all_is_read()
    os.kill(terminal.process.pid, signal.SIGTERM)
    assert terminal.ends() == 128 + signal.SIGTERM
    assert terminal.modes() == terminal.before


@pytest.mark.parametrize(
    ("typed", "completed"),
    [("gre\t", "grep"), ("ls sr\t", "src/"), ("grep x src/a\t", "src/app.py"), ("ctx --si\t", "--since")],
)
def test_tab_completes_verbs_paths_and_options(start: Start, typed: str, completed: str) -> None:
    terminal = start()
    terminal.send(typed)
    terminal.expect(completed)


def test_history_outlives_the_session_outside_of_the_workspace(
    start: Start, project: Path, tmp_path: Path
) -> None:
    first = start()
    first.send("grep needle\r")
    first.expect("src/app.py:1:")
    first.send("exit\r")
    assert first.ends() == 0
    second = start()
    second.send("\x1b[A\x1b[A\r")  # the line before `exit`
    second.expect("src/app.py:1:")
    second.expect("project>")
    second.send("\x04")
    assert second.ends() == 0
    (history,) = (tmp_path / "state").rglob("history")
    assert stat.S_IMODE(history.stat().st_mode) == 0o600
    assert sorted(path.name for path in project.iterdir()) == ["src"]


def test_without_a_place_for_history_it_still_runs(start: Start) -> None:
    terminal = start(XDG_STATE_HOME="/proc/nowhere")
    terminal.send("ls\r")
    terminal.expect("src/")
    terminal.send("exit\r")
    assert terminal.ends() == 0
