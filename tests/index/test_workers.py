"""Reading in several processes: what happens to them happens to no answer."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from dspy_agent.index import update, workers
from dspy_agent.index.extract import Extracted
from tests.index.kit import anew, answers, environment, listed, opened

KILLER = """
import os
import dspy_agent.index.extract as extract
real = extract.to_source
def to_source(path, data, whole):
    if path.endswith("killer.py") and (whole or {always}):
        os.kill(os.getpid(), 9)
    return real(path, data, whole)
extract.to_source = to_source
"""


def tree(root: Path, files: int = 12) -> list[list[tuple[str, int]]]:
    for number in range(files):
        (root / f"m{number}.py").write_text(f"def alpha_{number}():\n    return beta\n")
    (root / "killer.py").write_text("def gamma():\n    return 1\n")
    names = sorted(path.name for path in root.glob("*.py"))
    return [[(name, 0) for name in names[at : at + 4]] for at in range(0, len(names), 4)]


def paths(found: Sequence[Extracted]) -> list[str]:
    return sorted(path for one in found for path, _ in one.files)


def test_all_batches_come_back(tmp_path: Path) -> None:
    batches = tree(tmp_path, 30)
    found = list(workers.extract_with_workers(str(tmp_path), batches, 3))
    assert len(found) == len(batches)
    assert paths(found) == sorted(path for batch in batches for path, _ in batch)


@pytest.mark.parametrize("always", [False, True])
def test_a_file_that_a_worker_dies_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, always: bool) -> None:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(KILLER.format(always=always))
    root = tmp_path / "root"
    root.mkdir()
    batches = tree(root)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    found = list(workers.extract_with_workers(str(root), batches, 2))
    expected = sorted(path for batch in batches for path, _ in batch)
    if always:
        expected.remove("killer.py")
        assert [one.left_out for one in found if one.left_out] == [{"killer.py": 1}]
    assert paths(found) == expected


def test_workers_that_are_killed(tmp_path: Path) -> None:
    """As the kernel does when memory runs out."""
    batches = tree(tmp_path, 40)
    found = []
    others = _children()
    for number, one in enumerate(workers.extract_with_workers(str(tmp_path), batches, 2)):
        found.append(one)
        if number in (0, 3):
            for child in sorted(_children() - others)[:1]:
                os.kill(int(child), signal.SIGKILL)
    assert paths(found) == sorted(path for batch in batches for path, _ in batch)


@pytest.mark.parametrize("program", ["/bin/false", "/nonexistent", "", None])
def test_workers_that_can_not_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str | None
) -> None:
    batches = tree(tmp_path)
    monkeypatch.setattr(sys, "executable", program)
    found = list(workers.extract_with_workers(str(tmp_path), batches, 2))
    assert paths(found) == sorted(path for batch in batches for path, _ in batch)


def test_a_reader_that_stops_leaves_no_worker(tmp_path: Path) -> None:
    before = _children()
    reading = workers.extract_with_workers(str(tmp_path), tree(tmp_path, 30), 2)
    next(reading)
    assert _children() > before
    reading.close()
    assert _children() <= before


def _children() -> set[str]:
    tasks = Path("/proc/self/task").iterdir()
    return {child for task in tasks for child in (task / "children").read_text().split()}


@pytest.mark.parametrize("start", ["script", "stdin", "option", "module"])
def test_started_in_odd_ways(tmp_path: Path, start: str) -> None:
    """No worker runs the program's main module again."""
    root = tmp_path / "root"
    root.mkdir()
    for number in range(1000):
        (root / f"m{number}.py").write_text(f"def alpha_{number}(): pass\n" + "# comment\n" * 120)
    code = f"""
from pathlib import Path
from dspy_agent.index import workers
from dspy_agent.index.index import Index
alone = []
workers.extract, real = lambda *a, **k: alone.append(1) or real(*a, **k), workers.extract
print("main", len(Index(Path({str(root)!r})).update().__class__.__name__))
print("alone", len(alone))
"""
    script = tmp_path / "odd.py"
    script.write_text(code)
    words = {
        "script": [str(script)],
        "stdin": ["-"],
        "option": ["-c", code],
        "module": ["-m", "odd"],
    }[start]
    done = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=environment(),
        input=code if start == "stdin" else None,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "main 6\nalone 0\n", "")
    assert len(listed(_opened(root))) == 1000


def _opened(root: Path) -> object:
    index = opened(root)
    assert index.open()
    return index


def test_a_parser_that_fails_on_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dspy_agent.index import extract

    real = extract.parse_text

    def parse_text(text: str, language: str) -> object:
        if "gamma" in text:
            raise RecursionError
        return real(text, language)

    tree(tmp_path)
    monkeypatch.setattr(extract, "parse_text", parse_text)
    index = opened(tmp_path)
    index.update()
    assert len(listed(index)) == 13
    assert [hit[1:3] for hit in answers(index, ("gamma",))["gamma"]] == [("killer.py", 1)]


def test_one_process_and_several_make_the_same_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tree(tmp_path, 40)
    alone = answers(anew(tmp_path))
    monkeypatch.setattr(update, "_ALONE_BYTES", 10)
    monkeypatch.setattr(update, "usable_cpus", lambda: 3)
    monkeypatch.setattr(update, "BATCH_FILES", 5)
    assert answers(anew(tmp_path)) == alone
