"""Which tests are affected, which command runs them, and how what they say is read."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from dspy_agent.verify import command as commands
from dspy_agent.verify.affected import affected_tests
from dspy_agent.verify.command import find_test_command
from dspy_agent.verify.outcomes import read_output, read_report
from dspy_agent.verify.python import Python, module_paths
from dspy_agent_core.errors import UsageError


@pytest.fixture
def python(monkeypatch: pytest.MonkeyPatch) -> Python:
    found = Python(sys.executable, True)
    monkeypatch.setattr(commands, "python_of", lambda workspace: found)
    return found


def test_the_graph_names_and_mentions_say_what_is_affected(tmp_path: Path) -> None:
    root = tmp_path
    files = {
        "shop/cart.py": "def total(items):\n    return sum(items)\n\n\ndef empty():\n    return []\n",
        "shop/order.py": "from shop.cart import total\n\n\ndef place(items):\n    return total(items)\n",
        "tests/test_sums.py": "from shop.cart import total\n\n\ndef test_it():\n    assert total([1]) == 1\n",
        "tests/test_order.py": "from shop.order import place\n\n\ndef test_place():\n    assert place([1])\n",
        "tests/test_cart.py": "def test_nothing():\n    pass\n",
        "tests/test_far.py": "def test_far():\n    pass\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text(text)
    found = affected_tests(root.resolve(), {"shop/cart.py": [(2, 2)]})
    assert found[0] == "tests/test_sums.py"
    assert set(found) == {"tests/test_sums.py", "tests/test_order.py", "tests/test_cart.py"}
    assert affected_tests(root.resolve(), {"tests/test_far.py": [(1, 2)]}) == ["tests/test_far.py"]
    assert affected_tests(root.resolve(), {"new.txt": [(1, 1)]}) == []


def test_the_command_is_found_by_what_lies_there(
    tmp_path: Path, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(commands.shutil, "which", lambda name: f"/bin/{name}")

    def kind(**files: str) -> str | None:
        root = tmp_path / str(len(list(tmp_path.iterdir())))
        for name, text in files.items():
            path = root / name.replace("__", "/").replace("_DOT_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        found = find_test_command(root)
        return found.kind if found else None

    assert kind(tests__sub__test_a_DOT_py="") == "pytest"
    assert kind(pyproject_DOT_toml="[tool.pytest.ini_options]\n") == "pytest"
    assert kind(pyproject_DOT_toml="not toml [", a_DOT_py="") is None
    assert kind(go_DOT_mod="module x\n") == "go"
    assert kind(Cargo_DOT_toml="") == "cargo"
    assert kind(package_DOT_json=json.dumps({"scripts": {"test": "jest"}})) == "npm"
    assert kind(package_DOT_json='{"scripts": {"test": "echo \\"Error: no test specified\\""}}') is None
    assert kind(package_DOT_json="[]") is None
    assert kind(Makefile="all:\n\ttrue\ntest: all\n\ttrue\n") == "make"
    assert kind(Makefile="latest:\n") is None
    assert kind(pyproject_DOT_toml='[tool.dspy-agent]\ntest = "tox -e py"\n') == "other"


def test_the_users_own_command_goes_first(
    tmp_path: Path, python: Python, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", "pytest -x")
    found = find_test_command(tmp_path)
    assert found
    assert found.with_files(["tests/test_a.py"], Path("/out.xml")) == [
        "pytest",
        "-x",
        "--junitxml=/out.xml",
        "tests/test_a.py",
    ]
    kinds = {"uv run pytest": "pytest", "python3.12 -m pytest": "pytest", "make pytest": "other", "": None}
    for said, kind in kinds.items():
        monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", said)
        named = find_test_command(tmp_path)
        assert (named.kind if named else None) == kind
    monkeypatch.setenv("DSPY_AGENT_TEST_COMMAND", "pytest '")
    with pytest.raises(UsageError):
        find_test_command(tmp_path)


def test_files_are_given_as_each_runner_takes_them(python: Python) -> None:
    report = Path("/out.xml")
    go = commands.TestCommand(("go", "test", "-v", "./..."), "go", True)
    assert go.with_files(["a/x_test.go", "a/y_test.go", "z_test.go"], report) == [
        "go",
        "test",
        "-v",
        "./a",
        ".",
    ]
    assert go.with_files([], report)[-1] == "./..."
    unittest = commands.TestCommand(("python", "-m", "unittest", "discover", "-v"), "unittest", True, python)
    assert unittest.with_files(["t/test_a.py"], report) == ["python", "-m", "unittest", "-v", "t/test_a.py"]
    assert unittest.with_files([], report)[3] == "discover"


def test_the_copy_goes_before_what_an_editable_install_names(tmp_path: Path) -> None:
    root, tree, venv = tmp_path / "project", tmp_path / "tree", tmp_path / "venv"
    for folder in ("src", "packages/core"):
        (root / folder).mkdir(parents=True)
        (tree / folder).mkdir(parents=True)
    packages = venv / "lib" / "python3.12" / "site-packages"
    packages.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("")
    (packages / "a.pth").write_text(f"import os\n{root}/packages/core\n/elsewhere\n{root}/gone\n")
    found = module_paths(root, tree, str(venv / "bin" / "python"))
    assert found["PYTHONPATH"].split(":")[:2] == [str(tree / "src"), str(tree / "packages" / "core")]
    assert found["VIRTUAL_ENV"] == str(venv)
    assert found["PATH"].startswith(f"{venv}/bin:")


def test_reports_of_runners(tmp_path: Path) -> None:
    report = tmp_path / "junit.xml"
    report.write_text(
        "<testsuites><testsuite><testcase classname='t.A' name='ok'/><testcase classname='t' name='bad'>"
        "<failure>x</failure></testcase><testcase classname='t' name='skip'><skipped/></testcase>"
        "<testcase classname='' name='t.broken'><error/></testcase></testsuite></testsuites>"
    )
    assert read_report(report) == {
        "t.A.ok": "passed",
        "t.bad": "failed",
        "t.skip": "skipped",
        "t.broken": "failed",
    }
    for rubbish in ("<testsuites>", "", "<!DOCTYPE x [<!ENTITY a 'b'>]><x>&a;</x>", "\0"):
        report.write_text(rubbish)
        assert read_report(report) is None
    report.unlink()
    assert read_report(report) is None
    report.symlink_to("/etc/passwd")
    assert read_report(report) is None


def test_lines_of_runners() -> None:
    go = "=== RUN   TestA\n--- PASS: TestA (0.00s)\n    --- FAIL: TestB/sub (0.1s)\n--- SKIP: TestC (0s)\n"
    assert read_output(go) == {"TestA": "passed", "TestB/sub": "failed", "TestC": "skipped"}
    cargo = "test a::b ... ok\ntest a::c ... FAILED\ntest d ... ignored\n"
    assert read_output(cargo) == {"a::b": "passed", "a::c": "failed", "d": "skipped"}
    tap = "ok 1 - adds\nnot ok 2 - multiplies\nok 3 - later # SKIP no time\n"
    assert read_output(tap) == {"adds": "passed", "multiplies": "failed", "later": "skipped"}
    jest = "  ✓ adds (5 ms)\n  ✕ multiplies\n    ✔ mocha's (12ms)\n"
    assert read_output(jest) == {"adds": "passed", "multiplies": "failed", "mocha's": "passed"}
    unit = "test_a (t.A.test_a) ... ok\ntest_b (t.A.test_b)\nIts docstring. ... FAIL\n"
    assert read_output(unit) == {"test_a (t.A.test_a)": "passed", "test_b (t.A.test_b)": "failed"}


@given(some.text(alphabet="test ok not #-.()\nFAIL 12...", max_size=400))
def test_any_output_can_be_read(text: str) -> None:
    assert set(read_output(text).values()) <= {"passed", "failed", "skipped"}
