"""Which command runs the tests of a workspace, by plain rules."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from dspy_agent.verify.python import Python, python_of
from dspy_agent.workspace.files import read_head, read_toml
from dspy_agent_core.errors import UsageError

VARIABLE: Final = "DSPY_AGENT_TEST_COMMAND"
REPORT: Final = "junit.xml"
_MAX_CONFIG: Final = 1 << 20
_PYTEST_FILES: Final = frozenset(("pytest.ini", ".pytest.ini", "conftest.py", "tox.ini"))
_PYTEST: Final = frozenset(("pytest", "py.test"))
_LAUNCHER: Final = re.compile(r"pytest|py\.test|python[\d.]*|env|uv|poetry|pdm|pipenv|hatch|rye|coverage")
_PYTHON_TEST: Final = re.compile(r"test.*\.py|.*_test\.py")


@dataclass(frozen=True, slots=True)
class TestCommand:
    """``argv`` runs all tests, or those of the files that are appended if ``takes_files``."""

    __test__ = False

    argv: tuple[str, ...]
    kind: str
    takes_files: bool = False
    python: Python | None = None

    def with_files(self, files: Sequence[str], report: Path) -> list[str]:
        """Return the command for ``files``; where it can, it writes a JUnit report."""
        chosen = list(files) if self.takes_files else []
        if self.kind == "pytest":
            return [*self.argv, f"--junitxml={report}", *chosen]
        if self.kind == "go" and chosen:
            packages = dict.fromkeys(f"./{os.path.dirname(path)}".rstrip("/") for path in chosen)
            return [*self.argv[:-1], *packages]
        if self.kind == "unittest" and chosen:
            return [*self.argv[:3], "-v", *chosen]
        return [*self.argv, *chosen]


def find_test_command(workspace: Path) -> TestCommand | None:
    """Return the command that the user named, or one that fits the workspace; None: there are no tests.

    Raises:
        UsageError: the named command can't be read.
    """
    named = os.environ.get(VARIABLE) or _configured(workspace)
    if named:
        return _parse(named, workspace)
    names = set(os.listdir(workspace))
    if _has_python_tests(workspace, names):
        python = python_of(workspace)
        if python.has_pytest:
            return pytest_command(python)
        return TestCommand((python.executable, "-m", "unittest", "discover", "-v"), "unittest", True, python)
    if "go.mod" in names and shutil.which("go"):
        return TestCommand(("go", "test", "-v", "./..."), "go", True)
    if "Cargo.toml" in names and shutil.which("cargo"):
        return TestCommand(("cargo", "test", "--offline"), "cargo")
    if "package.json" in names and shutil.which("npm") and _npm_test(workspace):
        return TestCommand(("npm", "test", "--silent"), "npm")
    if "Makefile" in names and shutil.which("make") and _make_test(workspace):
        return TestCommand(("make", "test"), "make")
    return None


def pytest_command(python: Python) -> TestCommand:
    """Return the command that runs pytest and leaves nothing behind."""
    argv = (python.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    return TestCommand(argv, "pytest", True, python)


def _parse(named: str, workspace: Path) -> TestCommand:
    try:
        argv = tuple(shlex.split(named))
    except ValueError as error:
        raise UsageError(
            f"The test command can't be read: {error}.", code="BadTestCommand", next=f"Mend {VARIABLE}."
        ) from None
    program = os.path.basename(argv[0]) if argv else ""
    if not _LAUNCHER.fullmatch(program) or not _PYTEST & {program, *argv[1:]}:
        return TestCommand(argv, "other")
    return TestCommand(argv, "pytest", True, python_of(workspace))


def _configured(workspace: Path) -> str | None:
    tool = read_toml(workspace / "pyproject.toml").get("tool", {})
    found = tool.get("dspy-agent", {}).get("test") if isinstance(tool, dict) else None
    return found if isinstance(found, str) else None


def _has_python_tests(workspace: Path, names: set[str]) -> bool:
    if names & _PYTEST_FILES or "pytest" in read_toml(workspace / "pyproject.toml").get("tool", {}):
        return True
    folders = [workspace, *(workspace / name for name in sorted(names) if name in ("tests", "test"))]
    found = (
        path.name
        for folder in folders
        for path in (folder.glob("*.py") if folder == workspace else folder.rglob("*.py"))
    )
    return any(map(_PYTHON_TEST.fullmatch, found))


def _npm_test(workspace: Path) -> bool:
    try:
        scripts = json.loads(read_head(workspace / "package.json", _MAX_CONFIG)).get("scripts", {})
        return "test" in scripts and "no test specified" not in str(scripts["test"])
    except (ValueError, AttributeError, TypeError):
        return False


def _make_test(workspace: Path) -> bool:
    lines = read_head(workspace / "Makefile", _MAX_CONFIG).splitlines()
    return any(line.startswith(b"test:") for line in lines)
