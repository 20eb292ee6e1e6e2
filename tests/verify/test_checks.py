"""Changes are checked in a scratch copy, and the workspace stays as it is."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.verify import checks
from dspy_agent.verify import run_tests as run_module
from dspy_agent.verify.checks import Verification, verify
from dspy_agent.verify.command import find_test_command
from dspy_agent.verify.run_tests import run_tests
from dspy_agent.verify.worktree import scratch
from dspy_agent.workspace.paths import open_workspace

# Without plugins of the machine at hand: they take seconds to load.
PYTEST = f"env PYTEST_DISABLE_PLUGIN_AUTOLOAD=1 {sys.executable} -m pytest -q -p no:cacheprovider"
UNITTEST = f"{sys.executable} -m unittest discover -v -s tests -t ."
CALC = b"def add(a, b):\n    return a - b\n\n\ndef mul(a, b):\n    return a * b\n"
GOOD = CALC.replace(b"a - b", b"a + b")
WORSE = CALC.replace(b"a * b", b"a / b")
TESTS = """\
import unittest
from pkg.calc import add, mul


class Calc(unittest.TestCase):
    def test_add(self):
        self.assertEqual(add(1, 2), 3)

    def test_mul(self):
        self.assertEqual(mul(2, 3), 6)
"""


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(checks, "_known", {})
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "project"
    (root / "pkg").mkdir(parents=True)
    (root / "tests").mkdir()
    (root / "pkg" / "__init__.py").write_text("")
    (root / "tests" / "__init__.py").write_text("")
    (root / "pkg" / "calc.py").write_bytes(CALC)
    (root / "tests" / "test_calc.py").write_text(TESTS)
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", UNITTEST)
    return open_workspace(root)


def snapshot(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def check(workspace: Path, source: bytes, **options: object) -> Verification:
    return verify(workspace, {"pkg/calc.py": source}, **options)  # type: ignore[arg-type]


def test_candidates_are_told_apart(workspace: Path, tmp_path: Path) -> None:
    before = snapshot(workspace)
    good, same, worse = (check(workspace, source) for source in (GOOD, CALC + b"\n", WORSE))
    broken = check(workspace, b"def add(a, b:\n")
    assert good.tests
    assert good.tests.fixed == ["test_add (tests.test_calc.Calc.test_add)"]
    assert worse.tests
    assert worse.tests.broken == ["test_mul (tests.test_calc.Calc.test_mul)"]
    assert worse.tests.failing == ["test_add (tests.test_calc.Calc.test_add)"]
    assert not worse.is_sound
    assert [(found.path, found.line) for found in broken.syntax] == [("pkg/calc.py", 1)]
    assert 1.0 == good.score > same.score > worse.score > broken.score == 0.0
    assert snapshot(workspace) == before
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_what_is_known_of_the_workspace_is_not_asked_again(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[object] = []
    run_tests = checks.run_tests
    monkeypatch.setattr(checks, "run_tests", lambda *given: runs.append(1) or run_tests(*given))
    check(workspace, GOOD)
    check(workspace, GOOD + b"\n")
    assert len(runs) == 3
    (workspace / "pkg" / "calc.py").write_bytes(CALC + b"# changed\n")
    check(workspace, GOOD)
    assert len(runs) == 5


def test_a_test_that_fails_now_and_then_breaks_nothing(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[run_module.Tested] = []

    def run_tests(*given: Any) -> run_module.Tested:
        said = "failed" if len(runs) == 1 else "passed"
        runs.append(run_module.Tested(1, 0, 0.1, False, "namespaces", "", {"flaky": said, "other": "passed"}))
        return runs[-1]

    monkeypatch.setattr(checks, "run_tests", run_tests)
    found = check(workspace, GOOD)
    assert len(runs) == 3
    assert found.tests
    assert found.is_sound
    assert "flaky" in found.notes[-1]


def test_pytest_runs_the_affected_tests_only(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", PYTEST)
    (workspace / "tests" / "test_other.py").write_text("def test_other():\n    assert False\n")
    found = check(workspace, GOOD)
    assert found.tests
    assert found.tests.files == ["tests/test_calc.py"]
    assert found.tests.fixed == ["tests.test_calc.Calc.test_add"]
    assert found.tests.after.failed == 0
    assert check(workspace, GOOD, tests=[]).tests is None


def test_the_copy_is_imported_where_the_workspace_is_installed(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an editable install does it; and options of a plugin that is not installed are left out."""
    (workspace / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (workspace / "src").mkdir()
    shutil.move(workspace / "pkg", workspace / "src" / "pkg")
    monkeypatch.setenv("PYTHONPATH", str(workspace / "src"))
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", PYTEST)
    command = find_test_command(workspace)
    assert command
    with scratch(workspace, {"src/pkg/calc.py": GOOD}) as made:
        tested = run_tests(command, made, workspace, ["tests/test_calc.py"], 60)
    assert (tested.passed, tested.failed) == (2, 0)


BAD_COMMANDS = {
    "hangs": "sleep 1000",
    "prints without end": "yes",
}


@pytest.mark.parametrize("script", BAD_COMMANDS.values(), ids=BAD_COMMANDS)
def test_commands_without_end(workspace: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", f"sh -c '{script}'")
    found = check(workspace, GOOD, seconds=1.6)
    assert found.score < 0.2
    assert "did not end" in found.notes[0]


def test_a_change_that_makes_tests_hang(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "_GRACE_SECONDS", 0.5)
    found = check(workspace, b"while True:\n    pass\n")
    assert found.tests
    assert found.tests.after.timed_out
    assert found.score < 0.2


def test_a_command_that_writes_everywhere(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    before = snapshot(workspace)
    script = f"touch {tmp_path}/outside {workspace}/inside pkg/own; rm -rf {workspace}/pkg/*; exit 0"
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", f"sh -c '{script}'")
    found = check(workspace, GOOD)
    assert found.tests
    assert found.tests.after.outcomes == {"(all)": "passed"}
    assert snapshot(workspace) == before
    assert [path.name for path in tmp_path.iterdir()] == ["project"]


def test_no_tests_at_all(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DSPY_AGENT_TEST_COMMAND")
    shutil.rmtree(workspace / "tests")
    found = check(workspace, GOOD)
    assert found.tests is None
    assert found.score == 0.5
    assert "DSPY_AGENT_TEST_COMMAND" in found.notes[0]


def test_a_command_that_is_not_there(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", "no-such-program --test")
    found = check(workspace, GOOD)
    assert found.tests
    assert found.tests.failing == ["(all)"]
    assert "no-such-program" in found.tests.after.output


def test_new_findings_of_a_linter_count(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    (workspace / "pyproject.toml").write_text("[tool.ruff]\nline-length = 100\n")
    (workspace / "pkg" / "calc.py").write_bytes(b"import os\n" + CALC)
    found = check(workspace, b"import os\nimport sys\n" + GOOD, tests=[])
    assert [(item.path, item.rule) for item in found.lint] == [("pkg/calc.py", "F401")]
    assert "sys" in found.lint[0].message
    assert found.score < check(workspace, b"import os\n\n" + GOOD, tests=[]).score


def test_only_new_syntax_errors_count(workspace: Path) -> None:
    (workspace / "pkg" / "calc.py").write_bytes(b"def (:\n")
    assert check(workspace, b"def x(:\n", tests=[]).syntax == []
    assert verify(workspace, {"a.js": b"function ( {"}, tests=[]).syntax
    assert not verify(workspace, {"a.js": b"function f() {}", "data.bin": b"\0\xff"}, tests=[]).syntax
    assert verify(workspace, {"pkg/calc.py": None, "new.py": b"x = 1\n"}, tests=[]).score == 0.5


@pytest.mark.parametrize("state", ["dirty", "broken", "none"])
def test_any_state_of_git_will_do(workspace: Path, state: str) -> None:
    if state != "none":
        subprocess.run(["git", "init", "-q"], cwd=workspace, check=True)
        subprocess.run(["git", "add", "pkg"], cwd=workspace, check=True)
    if state == "broken":
        (workspace / ".git" / "HEAD").write_bytes(b"\0rubbish")
        (workspace / ".git" / "index").write_bytes(b"rubbish")
    (workspace / "pkg" / "more.py").write_text("dirty = True\n")
    assert check(workspace, GOOD).score == 1.0
