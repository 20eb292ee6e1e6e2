"""Several processes with one index: each answers rightly, whoever writes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.index.kit import PROGRAM, answers, assert_current, environment, found_paths, opened, report

ROOT = Path(__file__).parents[2]


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*PROGRAM, *words, "--json"],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_builds_at_the_same_moment(tmp_path: Path) -> None:
    for number in range(300):
        (tmp_path / f"m{number}.py").write_text(f"def alpha_{number}():\n    return beta\n" + "# c\n" * 900)
    builds = [
        start("index", cwd=tmp_path),
        start("index", cwd=tmp_path),
        start("index", "--rebuild", cwd=tmp_path),
    ]
    searches = [start("esearch", "alpha_77", cwd=tmp_path) for _ in range(2)]
    read = []
    for process in builds:
        output, errors = process.communicate()
        assert (process.returncode, errors) == (0, "")
        found = json.loads(output)
        assert (found["files"], found.get("notes")) == (300, None)
        read.append(found.get("read", 0))
    assert set(read) <= {0, 300}
    for process in searches:
        output, errors = process.communicate()
        assert process.returncode == 0, errors
        assert json.loads(output)["hits"][0]["path"] == "m77.py"
    assert report("index", cwd=tmp_path)["files"] == 300


def writer(root: Path, updates: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.index.writing", str(root), str(updates)],
        cwd=ROOT,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_reader_while_another_process_writes(tmp_path: Path) -> None:
    (tmp_path / "stable.py").write_text("def alpha(): pass\n")
    reader = opened(tmp_path)
    reader.update()
    process = writer(tmp_path, 150)
    seen = 0
    while process.poll() is None:
        before = reader.manifest.generation
        if reader.open():  # it may be in the middle of a rebuild
            assert [hit[1] for hit in answers(reader, ("alpha",))["alpha"]] in (["stable.py"], [])
        seen += reader.manifest.generation != before
        assert reader.notes == []
    _, errors = process.communicate()
    assert process.returncode == 0, errors
    assert seen > 3
    reader.update()
    assert_current(reader)


def test_two_writers_and_a_session_with_threads(tmp_path: Path) -> None:
    (tmp_path / "stable.py").write_text("def alpha(): pass\n")
    session = opened(tmp_path)
    session.update()
    processes = [writer(tmp_path, 40), writer(tmp_path, 40)]
    failures: list[BaseException] = []
    stop = threading.Event()

    def look() -> None:
        try:
            while not stop.is_set():
                corpus = session.corpus
                sum(state.size for state in session.manifest.files.values())
                assert len(answers(session, ("alpha",))["alpha"]) == 1 or corpus is not session.corpus
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    while any(process.poll() is None for process in processes):
        session.update()
    stop.set()
    for thread in threads:
        thread.join()
    for process in processes:
        _, errors = process.communicate()
        assert process.returncode == 0, errors
    assert failures == []
    session.update()
    assert session.notes == []
    assert_current(session)


def test_a_second_session_does_not_wait_if_it_need_not(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def alpha(): pass\n")
    first, second = opened(tmp_path), opened(tmp_path)
    first.update()
    (tmp_path / "a.py").write_text("def gamma(): pass\n")
    from dspy_agent.index.folder import IndexFolder

    with IndexFolder(tmp_path / ".dspy_index").lock(wait=False) as held:
        assert held
        assert second.update(wait=False) is None
        assert len(answers(second, ("alpha",))["alpha"]) == 1
    second.update()
    assert_current(second)


@pytest.mark.parametrize("name", ["one", "two"])
def test_each_workspace_has_its_own(tmp_path: Path, name: str) -> None:
    for folder, word in (("one", "alpha"), ("two", "gamma")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.py").write_text(f"def {word}(): pass\n")
    assert found_paths("alpha", tmp_path / name) == (["a.py"] if name == "one" else [])
