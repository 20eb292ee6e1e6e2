"""A run over a package of two functions: a server plays the model, the suite really runs in the sandbox."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.bugs import make, packages, runner, sources
from benchmarks.bugs.copies import with_bug
from benchmarks.bugs.packages import Package
from benchmarks.bugs.recipe import Bug
from benchmarks.bugs.systems.base import Answer, Place
from benchmarks.bugs.systems.locating import Pointed
from benchmarks.bugs.systems.one_shot import OneShot
from benchmarks.bugs.tasks import Task, task_of
from tests.support.fake_model import FakeModelServer

PACKAGE = Package("tiny", "1", "0", "tuning", "tiny")
FILES = {
    "tiny/__init__.py": '''"""Tiny."""


def larger(a, b):
    """Return the larger one."""
    if a < b:
        return b
    return a
''',
    "tests/test_tiny.py": """from tiny import larger


def test_larger():
    assert larger(1, 2) == 2
    assert larger(2, 1) == 2


def test_equal():
    assert larger(1, 1) == 1
""",
    "pytest.ini": "[pytest]\npythonpath = .\ntestpaths = tests\n",
}
GOOD = "```python\ndef larger(a, b):\n    return b if a < b else a\n```"
BAD = "```python\ndef larger(a, b):\n    return b\n```"


@pytest.fixture(scope="module")
def bug(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bug]:
    """The first bug that is made of the tiny package."""
    folder = tmp_path_factory.mktemp("tiny")
    for path, text in FILES.items():
        (folder / "source" / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / "source" / path).write_text(text, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packages, "PACKAGES", (PACKAGE,))
        patch.setattr(sources, "cache", lambda: folder)
        patch.setattr(sources, "python", lambda: Path(sys.executable))
        patch.setattr(sources, "source", lambda package: folder / "source")
        told: list[str] = []
        kept: Counter[str] = Counter()
        (made,) = make.make(PACKAGE, 2, kept, 20, told.append)
        assert kept == {made.operator: 1}
        assert told[0].startswith("tiny: 2 tests")
        yield made


class Known:
    """Answers with what it is given."""

    mends = True

    def __init__(self, name: str, path: str, content: str) -> None:
        self.name = name
        self.files = {path: content.encode()}

    def answer(self, task: Task, folder: Path, seconds: float) -> Answer:
        return Answer((Place("tiny/__init__.py", 4, 7),), self.files)


def test_a_bug_is_one_that_a_test_sees(bug: Bug) -> None:
    assert (bug.path, bug.symbol) == ("tiny/__init__.py", "larger")
    assert set(bug.failing) <= {"tests/test_tiny.py::test_larger", "tests/test_tiny.py::test_equal"}


@pytest.fixture(scope="module")
def failing(bug: Bug) -> Task:
    """What the systems are told of the bug."""
    with with_bug(bug) as folder:
        return task_of(bug, "failing", folder)


def test_what_the_systems_are_told(bug: Bug, failing: Task) -> None:
    with with_bug(bug) as folder:
        words = task_of(bug, "words", folder)
    assert failing.text.startswith(f"{bug.failing[0]} fails:")
    assert "tests/test_tiny.py:" in failing.text
    assert words.text.startswith("It should: Return the it one. But a check of that finds: ")
    assert words.test == ""


def test_only_a_change_that_mends_counts_and_nothing_is_done_twice(bug: Bug, tmp_path: Path) -> None:
    source = FILES["tiny/__init__.py"]
    systems = [
        Known("right", bug.path, source),
        Known("wrong", bug.path, source.replace("return b", "return None")),
        Known("broken", bug.path, source + "def ("),
        Known("test", "tests/test_tiny.py", "def test_larger(): pass\ndef test_equal(): pass\n"),
        Known("outside", "../out.py", "x = 1\n"),
        Pointed(),
    ]
    raw = tmp_path / "raw.jsonl"
    told: list[str] = []
    for _ in range(2):
        runner.run([bug], systems, "failing", raw, seconds=60, tell=told.append)
        with raw.open("a") as file:
            file.write('{"cut')
    rows = {row["system"]: row for row in runner.read(raw)}
    assert len(told) == len(rows) == len(systems)
    assert {name: (row["changed"], row["parses"], row["mended"]) for name, row in rows.items()} == {
        "right": (True, True, True),
        "wrong": (True, True, False),
        "broken": (True, False, False),
        "test": (False, False, False),
        "outside": (True, True, False),
        "pointed": (False, False, False),
    }
    assert {row["rank"] for row in rows.values()} == {1}


@pytest.mark.parametrize(("said", "mended"), [(GOOD, True), (BAD, False), ("I don't know.", False)])
def test_one_shot(failing: Task, said: str, mended: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    with FakeModelServer(said) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        result = runner.result_of(failing, OneShot(), 60)
        (request,) = server.requests
    question = request["body"]["messages"][-1]["content"]
    assert "def larger" in question
    assert failing.text in question
    assert (result.mended, result.calls) == (mended, 1)
    assert result.rank == (None if said.startswith("I") else 1)
