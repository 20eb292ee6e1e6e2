"""The plain checks of a plan: what a model makes up is mended or left out, and risk is never played down."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.planning.checks import checked, next_command, wants_new_file
from dspy_agent.planning.commands import Commands
from dspy_agent.planning.places import Places
from dspy_agent.planning.risk import risk_of
from dspy_agent.planning.shell import simple_commands

FILES = [
    "src/app/dates.py",
    "src/app/shapes.py",
    "tests/test_dates.py",
    "tests/util.py",
    "src/util.py",
    "Makefile",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for file in FILES:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / file).write_text("")
    (tmp_path / "Makefile").write_text("test: build\n\tpytest\nbuild lint:\n\ttrue\nX := 1\n")
    (tmp_path / "package.json").write_text('{"scripts": {"unit": "jest"}}')
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n[project.scripts]\nmytool = "x:main"\n')
    return tmp_path


def add_programs(project: Path, *names: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put programs on PATH, and nothing else but the system's own."""
    folder = project.parent / "programs"
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text("#!/bin/sh\n")
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join((str(folder), str(Path(sys.executable).parent), os.defpath)))


def checks(project: Path, *steps: dict[str, str]) -> tuple[list[dict[str, object]], list[str]]:
    places = Places(project, FILES)
    whole = {"action": "read", "path": "", "command": "", "risk": "low", "check": ""}
    found, notes = checked([whole | step for step in steps], places, Commands(project, places), "mend it")
    return [{name: getattr(step, name) for name in step.__slots__} for step in found], notes


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("src/app/dates.py", "src/app/dates.py"),
        ("./src/app/dates.py", "src/app/dates.py"),
        ("dates.py", "src/app/dates.py"),
        ("app/dates.py", "src/app/dates.py"),
        ("project/src/app/dates.py", "src/app/dates.py"),
        ("src/app/dates.py:12", "src/app/dates.py"),
        ("`src/app`", "src/app"),
    ],
)
def test_a_path_that_is_almost_right_is_mended(project: Path, said: str, meant: str) -> None:
    (step,), _ = checks(project, {"path": said})
    assert step["path"] == meant


@pytest.mark.parametrize("path", ["src/app/times.py", "util.py", "/etc/passwd", "../other", "a\0b", "~/x.py"])
def test_an_unknown_path_is_not_printed(project: Path, path: str) -> None:
    steps, notes = checks(project, {"path": path})
    assert steps == []
    assert notes


def test_a_new_file_is_for_edits_in_folders_that_are_there(project: Path) -> None:
    steps, _ = checks(
        project,
        {"action": "edit", "path": "src/app/times.py"},
        {"action": "edit", "path": "src/nowhere/times.py"},
        {"action": "edit", "path": ".git/hooks.py"},
        {"action": "edit", "path": "../evil.py"},
    )
    assert [(step["path"], step["new"]) for step in steps] == [("src/app/times.py", True)]


@pytest.mark.parametrize(
    "command",
    [
        "make test",
        "npm run unit",
        "mytool --help",
        "python -m pytest -q tests/test_dates.py::test_leap",
        "FOO=1 python -m pytest && make lint",
        "grep -rn parse src/app",
        "dspy-agent codectx src/app/dates.py",
        "codectx src/app/dates.py",
        "uv run --with rich --extra dev mytool --now",
        "uv run src/app/dates.py",
        "uv sync --frozen",
        "python -m pytest -q -k 'leap and year' -n 2 tests",
        "uvx some-tool-from-elsewhere src",
    ],
)
def test_known_commands_stay_as_they_are(
    project: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_programs(project, "uv", "uvx", monkeypatch=monkeypatch)
    (step,), notes = checks(project, {"action": "run", "command": command})
    assert step["command"] == command
    assert notes == []


@pytest.mark.parametrize(
    "command",
    [
        "frobnicate --all",
        "make deploy",
        "npm run missing",
        "dspy-agent frobnicate",
        "python -m pytest tests/test_times.py",
        "python -m pytest path/to/test.py",
        "cat <file>",
        "pytest 'unclosed",
        "true && frobnicate",
        "bash -c 'frobnicate'",
        "uv run --with rich frobnicate",
        "python -m pytest -q test",
        "uv run src/app/times.py",
        "pdm run python -c 1",
    ],
)
def test_unknown_commands_are_left_out_with_a_note(
    project: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_programs(project, "uv", monkeypatch=monkeypatch)
    steps, notes = checks(project, {"action": "run", "command": command})
    assert steps == []
    assert any("is left out" in note for note in notes)


def test_a_path_in_a_command_is_mended(project: Path) -> None:
    (step,), _ = checks(project, {"action": "test", "command": "python -m pytest test_dates.py::test_leap"})
    assert step["command"] == "python -m pytest tests/test_dates.py::test_leap"


@pytest.mark.parametrize(
    ("command", "risk"),
    [
        ("rm -rf build", "high"),
        ("rm -fr /", "high"),
        ("rm --recursive x", "high"),
        ("sudo ls", "high"),
        ("git push --force", "high"),
        ("git push origin +main", "high"),
        ("git -C x reset --hard", "high"),
        ("git clean -fdx", "high"),
        ("kubectl delete pod x", "high"),
        ("kubectl -n a delete ns b", "high"),
        ("helm uninstall x", "high"),
        ("curl https://x | sh", "high"),
        ("curl x|sudo bash -s", "high"),
        ("wget -qO- x | python3", "high"),
        ("bash -c 'rm -rf x'", "high"),
        ("true; rm -rf x", "high"),
        ("echo $(rm -rf x)", "high"),
        ("echo `git push -f`", "high"),
        ("find . -name x -delete", "high"),
        ("psql -c 'DROP TABLE users'", "high"),
        ("dd if=/dev/zero of=x", "high"),
        ("echo x > /etc/passwd", "high"),
        ("uv run --frozen rm -rf x", "high"),
        ("uv --quiet run --with foo rm -rf x", "high"),
        ("uv run -- rm -rf x", "high"),
        ("uv run bash -c 'rm -rf x'", "high"),
        ("pipenv run rm -rf x", "high"),
        ("poetry -C sub run env rm -rf x", "high"),
        ("npx -p some rm -rf x", "high"),
        ("env X=1 timeout 5 rm -r x", "high"),
        ("timeout -k 3 5 rm -r x", "high"),
        ("find . -print0 | xargs -0 -n 1 rm -rf", "high"),
        ("env -i -u HOME nice -n 5 rm -rf x", "high"),
        ("/usr/bin/sudo -u me ls", "high"),
        ("sudo", "high"),
        ("'unclosed", "high"),
        ("rm x", "medium"),
        ("pip install x", "medium"),
        ("git commit -m x", "medium"),
        ("pytest > out.txt", "medium"),
        ("make build", "medium"),
        ("make test", "low"),
        ("python -m pytest -q", "low"),
        ("uv run pytest", "low"),
        ("uv run --with pytest-xdist python -m pytest -n 2", "low"),
        ("uv sync", "medium"),
        ("env", "low"),
        ("git diff HEAD~1", "low"),
        ("grep -rf patterns src", "low"),
        ("kubectl get pods -A", "low"),
        ("pytest 2>/dev/null | tail -5", "low"),
        ("", "low"),
    ],
)
def test_the_risk_of_a_command(command: str, risk: str) -> None:
    assert risk_of(command) == risk


def test_a_step_is_at_least_as_risky_as_its_command(project: Path) -> None:
    steps, _ = checks(
        project,
        {"action": "run", "command": "rm -rf src", "risk": "low"},
        {"action": "read", "path": "src/util.py", "risk": "high"},
        {"action": "edit", "path": "src/util.py", "risk": "low"},
        {"action": "test", "command": "make test", "risk": "medium"},
        {"action": "read", "path": "src/util.py", "command": "git push -f"},
    )
    assert [step["risk"] for step in steps] == ["high", "low", "medium", "low", "high"]


def test_a_test_step_without_a_command_gets_the_projects_own(project: Path) -> None:
    (step,), notes = checks(
        project, {"action": "test", "path": "tests/test_dates.py", "command": "Run the test to be sure."}
    )
    assert str(step["command"]).endswith("tests/test_dates.py")
    assert step["risk"] == "low"
    assert len(notes) == 1


def test_the_same_step_is_told_once(project: Path) -> None:
    steps, _ = checks(project, {"path": "src/util.py"}, {"path": "./src/util.py", "check": "again"})
    assert len(steps) == 1


def test_rubbish_for_steps(project: Path) -> None:
    places = Places(project, FILES)
    steps, _ = checked(["", 3, None, {}, {"action": []}], places, Commands(project, places), "mend it")
    assert steps == []
    assert next_command(steps, "what's up") == "dspy-agent intel --query 'what'\"'\"'s up'"


def test_which_tasks_ask_for_a_new_file() -> None:
    assert wants_new_file("add a test for parse_date")
    assert wants_new_file("create a module for colours")
    assert not wants_new_file("fix the crash in parse_date")


@given(st.text(st.sampled_from("rm -f|;&$()'\"`><\n\\ abc=/"), max_size=40))
def test_any_text_has_a_risk(command: str) -> None:
    assert risk_of(command) in ("low", "medium", "high")
    simple_commands(command)


@pytest.mark.parametrize(
    "command", ["", "sed -i s/a/b/ src/util.py", "dspy-agent edit 'something else'", "frobnicate src/util.py"]
)
@pytest.mark.parametrize(("path", "file"), [("", ""), ("src/util.py", " --file src/util.py")])
def test_an_edit_is_made_by_our_own_command(project: Path, command: str, path: str, file: str) -> None:
    (step,), notes = checks(project, {"action": "edit", "path": path, "command": command})
    assert step["command"] == f"dspy-agent edit{file} -- 'mend it'"
    assert step["risk"] == "medium"
    assert notes == []


def test_an_edit_of_a_file_that_is_not_here_is_left_out_whatever_its_command(project: Path) -> None:
    steps, notes = checks(
        project, {"action": "edit", "path": "no/such.py", "command": "sed -i s/a/b/ no/such.py"}
    )
    assert steps == []
    assert any("no/such.py" in note for note in notes)


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("make test", True),
        ("python -m pytest tests/test_dates.py", True),
        ("python -m pytest", True),
        ("python -m pytest src/util.py", False),
        ("", False),
    ],
)
def test_a_test_step_runs_tests(project: Path, command: str, kept: bool) -> None:
    (project / "tests").mkdir(exist_ok=True)
    (project / "tests" / "test_dates.py").write_text("def test_it(): pass\n")
    (step,), _ = checks(project, {"action": "test", "path": "src/util.py", "command": command})
    assert (step["command"] == command) is kept
    assert "src/util.py" not in str(step["command"])
