"""The session with commands from a pipe, on a real project: output, errors, exit code, plain words."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dspy_agent.suggest.facts import Facts
from tests.agent.session_kit import PROGRAM, environment, unpacked_sdist

SURE = {"DSPY_AGENT_POLICY": "best", "DSPY_AGENT_COOLDOWNS": "off"}  # neither chance nor rest in a suggestion


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    cache = request.config.cache.mkdir("sdists")
    folder = unpacked_sdist(Path(cache), tmp_path_factory.mktemp("project"))
    crash = "import sys; sys.path.insert(0, 'src')\nfrom flask import nothing_there\n"
    done = subprocess.run([sys.executable, "-c", crash], cwd=folder, capture_output=True, text=True)
    assert "ImportError" in done.stderr or "ModuleNotFoundError" in done.stderr
    (folder / "logs").mkdir()
    (folder / "logs" / "app.log").write_text(done.stderr)
    return folder


def session(lines: str, cwd: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        PROGRAM,
        input=lines,
        cwd=cwd,
        env=environment(cwd / ".state", **{**SURE, **extra}),
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_no_prompt_and_data_only_on_stdout(project: Path) -> None:
    done = session("ls --json\ngrep -w make_response -g '*.py' --json\nexit\nls\n", project)
    first, second = done.stdout.splitlines()
    assert {"name": "src", "kind": "folder"} in json.loads(first)["entries"]
    assert any(hit["path"] == "src/flask/helpers.py" for hit in json.loads(second)["hits"])
    assert done.returncode == 0


def test_a_line_that_fails_is_told_and_makes_the_exit_code_1(project: Path) -> None:
    done = session("ls no/such\ngrep -w make_response src/flask/helpers.py\n", project)
    assert "error: " in done.stderr
    assert "make_response" in done.stdout
    assert done.returncode == 1


def test_finding_nothing_is_no_failure(project: Path) -> None:
    assert session("grep word_that_is_nowhere\n", project).returncode == 0


@pytest.mark.parametrize(
    ("task", "tool", "shows"),
    [
        ("where is url_for defined?", "extract", "def url_for("),
        ("what does src/flask/wrappers.py do", "codectx", "src/flask/wrappers.py"),
        ("the app crashes at start, look at the error", "ctx", "Error"),
        ("show me the layout of the project", "tree", "src"),
        ("who mentions werkzeug.local", "grep", "werkzeug.local"),
        ("it doesn't work with SERVER_NAME", "grep", "SERVER_NAME"),
    ],
)
def test_a_task_in_plain_words_gets_a_tool_that_fits(project: Path, task: str, tool: str, shows: str) -> None:
    done = session(f"{task}\n", project)
    first = done.stdout.splitlines()[0]
    found = re.fullmatch(r"suggested tool: (\w+) \((0\.\d\d|1\.00), because (.+)\)", first)
    assert found, done.stdout
    assert found[1] == tool
    assert shows in done.stdout
    assert "\nsummary: " in done.stdout
    assert "\nnext: " in done.stdout
    assert done.returncode == 0, done.stderr


def test_the_score_depends_on_the_words(project: Path) -> None:
    done = session("any errors?\nerror crash traceback\n", project)
    scores = re.findall(r"suggested tool: ctx \((0\.\d\d)", done.stdout)
    assert len(set(scores)) == 2


def test_a_task_that_matches_nothing_says_so_and_goes_on(tmp_path: Path) -> None:
    done = session("frobnicate the quux\nls\n", tmp_path)
    assert "summary: nothing here matches" in done.stdout
    assert done.returncode == 0


def test_odd_lines_end_nothing(project: Path) -> None:
    done = session(
        'grep "\n\n   \n\x00\x01\ufffd\n'
        + "x" * 50_000
        + "\nhelp\nhelp grep\nhelp nothing\nls --no-such\nls\n",
        project,
    )
    assert "src/" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_help_lists_each_verb(project: Path) -> None:
    done = session("help\n", project)
    for verb in ("ctx", "codectx", "grep", "tree", "ls", "extract", "doctor", "connect"):
        assert re.search(rf"\b{verb}\b", done.stdout)


def test_a_reader_that_goes_away_ends_it_quietly(project: Path) -> None:
    command = f"yes 'grep -w def' | head -50 | {sys.executable} -c '{PROGRAM[2]}' | head -1"
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=project,
        env=environment(project / ".state"),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("a.py", "async def Serve_it(): ...\n"),
        ("a.go", "package a\n\nfunc (s *Server) Serve_it() error { return nil }\n"),
        ("a.ts", "export class Serve_it {}\n"),
    ],
)
def test_a_definition_is_seen_in_any_language(tmp_path: Path, file: str, source: str) -> None:
    (tmp_path / file).write_text(source)
    (tmp_path / "notes.txt").write_text("def Serve_it: only words\n" * 3)
    assert Facts("how does Serve_it work", tmp_path, ()).symbol == "Serve_it"
    assert Facts("how does only work", tmp_path, ()).symbol is None
