"""The session with a model: plain words become a conversation; Ctrl-C, approval, a server that goes."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.agent.session_kit import PROGRAM, Terminal, environment
from tests.loop.kit import Scripted, project, step
from tests.support.fake_model import Answer, FakeModelServer

Start = Callable[..., Terminal]


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "project")


@pytest.fixture
def model() -> Iterator[FakeModelServer]:
    with FakeModelServer() as server:
        yield server


def settings(tmp_path: Path, model: FakeModelServer, **extra: str) -> dict[str, str]:
    own = {"XDG_CACHE_HOME": str(tmp_path / "cache"), **model.environment(), **extra}
    return environment(tmp_path / "state", **own)


@pytest.fixture
def start(workspace: Path, tmp_path: Path, model: FakeModelServer) -> Iterator[Start]:
    running: list[Terminal] = []

    def begin(*words: str, **extra: str) -> Terminal:
        terminal = Terminal(list(words), workspace, settings(tmp_path, model, **extra))
        running.append(terminal)
        terminal.expect("project>")
        return terminal

    yield begin
    for terminal in running:
        terminal.close()


def from_pipe(
    lines: str, workspace: Path, tmp_path: Path, model: FakeModelServer, *words: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PROGRAM, *words],
        input=lines,
        cwd=workspace,
        env=settings(tmp_path, model),
        capture_output=True,
        text=True,
        timeout=100,
    )


def test_plain_words_become_a_conversation(workspace: Path, tmp_path: Path, model: FakeModelServer) -> None:
    model.answers = [Scripted(step("extract", symbol="parse_date"))]
    done = from_pipe("where is parse_date defined?\nls\n", workspace, tmp_path, model)
    assert "suggested tool: extract (" in done.stdout
    assert "the model agrees" in done.stdout
    assert "summary: It is in src/dates.py [1]." in done.stdout
    assert "[1] extract parse_date: src/dates.py:1" in done.stdout
    assert "\nnext: " in done.stdout
    assert "src/" in done.stdout.splitlines()
    assert done.returncode == 0


def test_a_server_that_fails_leaves_what_needs_none(
    workspace: Path, tmp_path: Path, model: FakeModelServer
) -> None:
    model.models.clear()
    lines = "where is parse_date defined?\nwho calls parse_date\n"
    done = from_pipe(lines, workspace, tmp_path, model)
    assert done.stderr.count("without a model (") == 1
    assert "ollama pull small" in done.stderr
    assert done.stdout.count("suggested tool: ") == 2
    assert done.stdout.count("\nsummary: ") == 2
    assert done.returncode == 0


def test_nothing_of_a_model_is_loaded_before_it_is_asked(workspace: Path, tmp_path: Path) -> None:
    code = (
        "import sys; from dspy_agent.cli.main import run_command; run_command(sys.argv[1:]); "
        "print([m for m in ('dspy', 'ollama', 'openai') if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        input="ls\ngrep parse_date\nwhere is parse_date defined?\n",
        cwd=workspace,
        env=environment(tmp_path / "state"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stderr.splitlines()[-1] == "[]"
    assert "without a model (no model server answers)" in done.stderr


def test_ctrl_c_in_the_middle_of_an_answer_returns_to_the_prompt(
    start: Start, model: FakeModelServer
) -> None:
    hold = threading.Event()
    script = Scripted(step("extract", symbol="parse_date"))
    script.text = Answer("It splits the text.", until=hold)
    model.answers = [script]
    terminal = start()
    terminal.send("where is parse_date defined?\r")
    terminal.expect("summary: It ")
    terminal.send("\x03")
    terminal.expect("interrupted")
    hold.set()
    terminal.send("ls\r")
    terminal.expect("src/")
    terminal.send("exit\r")
    assert terminal.ends() == 0
    assert terminal.modes() == terminal.before


def test_a_change_is_asked_at_the_terminal(start: Start, model: FakeModelServer, workspace: Path) -> None:
    makes = step("run", command="make test")
    model.answers = [Scripted(*[makes, step("answer")] * 4)]
    terminal, made = start(), workspace / "tested.txt"

    def task(answers: str, outcome: str) -> bool:
        terminal.send("run the tests\r")
        for answer in answers:
            terminal.expect("run: `make test`? [y]es / [n]o / [a]lways run / [e]xplain: ")
            terminal.send(f"{answer}\r")
        terminal.expect(outcome)
        terminal.expect("summary: ")
        terminal.expect("project>")
        was_made = made.exists()
        made.unlink(missing_ok=True)
        return was_made

    assert not task("n", "not run: you said no")
    assert task("y", "all fine")
    assert task("ea", "all fine")
    assert task("", "all fine")  # from now on without a question
    terminal.send("exit\r")
    assert terminal.ends() == 0


def test_the_thinking_verbs_work_in_the_session(
    workspace: Path, tmp_path: Path, model: FakeModelServer
) -> None:
    makes = step("run", command="make test")
    model.answers = [Scripted(makes, step("answer"), step("ctx"))]
    lines = [
        "memory --add 'Dates are ISO'",
        "memory",
        "run 'echo hello; exit 3'",
        "run the tests",
        "chat 'why does parse_date fail?' --json",
        "help",
        "help chat",
    ]
    done = from_pipe("\n".join(lines), workspace, tmp_path, model, "--approval", "auto")
    assert "fact: Dates are ISO" in done.stdout
    assert "hello" in done.stdout
    assert "all fine" in done.stdout
    assert (workspace / "tested.txt").exists()
    assert '"summary": "It is in src/dates.py [1]."' in done.stdout
    assert "the model takes ctx" in done.stderr
    for verb in ("plan", "chat", "run", "memory", "edit", "diff", "apply", "undo", "checkpoints"):
        assert f"\n  {verb} " in done.stdout
    assert "--approval" in done.stdout


@pytest.mark.parametrize(("line", "plain"), [("undo that please", True), ("apply", False)])
def test_a_task_that_begins_like_a_verb_is_a_task(
    workspace: Path, tmp_path: Path, model: FakeModelServer, line: str, plain: bool
) -> None:
    model.models.clear()
    done = from_pipe(f"{line}\n", workspace, tmp_path, model)
    assert ("without a model" in done.stderr) is plain
