"""``index --watch`` as a program: each change of the files leads to a line, and to a right answer."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.index import watch
from tests.index.kit import PROGRAM, anew, answers, assert_current, environment, opened, wait_until


class Watching:
    """The program, its lines as they come, and what an index opened beside it answers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.process = subprocess.Popen(
            [*PROGRAM, "index", "--watch", "--json"],
            cwd=root,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: queue.Queue[dict[str, Any]] = queue.Queue()
        self.reader = threading.Thread(target=self._read)
        self.reader.start()
        self.index = opened(root)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def line(self) -> dict[str, Any]:
        return self.lines.get(timeout=100)

    def wait_current(self) -> None:
        """Wait until a line comes after which the index on disk is that of the files."""
        expected = answers(anew(self.root))
        while True:
            self.line()
            self.index.open()
            if answers(self.index) == expected:
                break
        assert_current(self.index)

    def end(self, sent: signal.Signals) -> tuple[int, str]:
        self.process.send_signal(sent)
        assert self.process.stderr is not None
        errors = self.process.stderr.read()
        code = self.process.wait()
        self.reader.join()
        return code, errors


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()
    for number in range(4):
        (tmp_path / f"m{number}.py").write_text(f"def alpha_{number}(): pass\n")
        (tmp_path / "sub" / f"n{number}.py").write_text(f"def beta_{number}(): pass\n")
    return tmp_path


@pytest.fixture
def watching(root: Path) -> Iterator[Watching]:
    found = Watching(root)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.process.kill()
            found.process.wait()
        found.reader.join()
        for stream in (found.process.stdout, found.process.stderr):
            assert stream is not None
            stream.close()


def test_each_change_leads_to_a_line_and_a_right_answer(root: Path, watching: Watching) -> None:
    assert watching.line()["files"] == 8
    # an edit
    (root / "m0.py").write_text("def gamma(): pass\n")
    watching.wait_current()
    # a new file
    (root / "sub" / "new.py").write_text("def delta_value(): pass\n")
    watching.wait_current()
    # an atomic save
    (root / "m1.py.tmp").write_text("class Shape:\n    def area(self): pass\n")
    (root / "m1.py.tmp").rename(root / "m1.py")
    watching.wait_current()
    # a new folder with files, then a file in it
    (root / "one" / "two").mkdir(parents=True)
    (root / "one" / "two" / "a.py").write_text("def alpha(): pass\n")
    watching.wait_current()
    (root / "one" / "two" / "b.py").write_text("def alpha(): return beta\n")
    watching.wait_current()
    # rules
    (root / ".gitignore").write_text("sub/\nm2.py\n")
    watching.wait_current()
    (root / ".gitignore").write_text("m2.py\n")
    watching.wait_current()
    # removals
    (root / "m3.py").unlink()
    watching.wait_current()
    shutil.rmtree(root / "one")
    watching.wait_current()
    # a file becomes a folder and back
    (root / "m0.py").unlink()
    (root / "m0.py").mkdir()
    (root / "m0.py" / "x.py").write_text("def gamma_beta(): pass\n")
    watching.wait_current()
    shutil.rmtree(root / "m0.py")
    (root / "m0.py").write_text("def gamma_again(): pass\n")
    watching.wait_current()
    # as a checkout does
    for number in range(150):
        path = root / f"pkg{number % 10}" / f"c{number}.py"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"def alpha_beta_{number}(): pass\n")
    for number in range(4):
        (root / "sub" / f"n{number}.py").unlink()
    watching.wait_current()
    code, errors = watching.end(signal.SIGINT)
    assert (code, errors) == (130, "")


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it(watching: Watching, sent: signal.Signals) -> None:
    watching.line()
    code, errors = watching.end(sent)
    assert code == (130 if sent == signal.SIGINT else -sent)
    assert "Traceback" not in errors


def test_the_reader_of_its_output_may_leave(root: Path) -> None:
    shell = subprocess.Popen(
        ["bash", "-c", 'set -o pipefail; "$@" index --watch --json | head -n 1', "-", *PROGRAM],
        cwd=root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert shell.stdout is not None
    assert json.loads(shell.stdout.readline())["files"] == 8
    stop = threading.Event()

    def edit() -> None:
        number = 0
        while not stop.wait(0.1):
            number += 1
            (root / "m0.py").write_text(f"def gamma_{number}(): pass\n")

    editor = threading.Thread(target=edit)
    editor.start()
    try:
        _, errors = shell.communicate(timeout=100)
    finally:
        stop.set()
        editor.join()
    assert "Traceback" not in errors


@pytest.fixture
def following(root: Path) -> Iterator[tuple[Any, list[Any]]]:
    index, stop, done = opened(root), threading.Event(), []
    index.update()

    def run() -> None:
        for update in watch.follow(index, stop):
            done.append(update)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield index, done
    finally:
        stop.set()
        thread.join()


def test_what_can_not_be_watched_is_looked_at(
    root: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    import watchfiles

    def refuse(*_: object, **__: object) -> Iterator[object]:
        raise OSError(28, "OS file watch limit reached.")

    monkeypatch.setattr(watchfiles, "watch", refuse)
    monkeypatch.setattr(watch, "_RESYNC_MS", 50)
    index, _ = request.getfixturevalue("following")
    (root / "m0.py").write_text("def gamma(): pass\n")
    (root / "more").mkdir()
    (root / "more" / "a.py").write_text("def delta_value(): pass\n")
    expected = answers(anew(root))
    wait_until(lambda: answers(index) == expected)


def test_ignored_files_that_are_written_all_the_time_cost_no_look(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dspy_agent.index import index as indexes

    (root / ".gitignore").write_text("*.log\n")
    (root / "app.log").write_text("one\n")
    index = opened(root)
    index.update()
    for path in (root, root / "sub"):
        os.utime(path, ns=(10**18, 10**18))
    index.update()
    scans = []
    real = indexes.scan
    monkeypatch.setattr(indexes, "scan", lambda *a: scans.append(a) or real(*a))
    with (root / "app.log").open("a") as log:
        log.write("two\n")
    assert not index.update_files(["app.log"])
    assert scans == []
    with contextlib.suppress(OSError):
        (root / "other.py").write_text("def delta_value(): pass\n")
    assert index.update_files(["app.log", "other.py"])
    assert len(scans) == 1
