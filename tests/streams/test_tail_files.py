"""Files that grow, rotate, are truncated and made anew: each line is shipped, in order, and none twice."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from dspy_agent.streams.tail import Tail, TailOptions
from dspy_agent.streams.tail_lines import Piece
from dspy_agent.streams.tail_ship import Item
from dspy_agent.streams.tail_state import open_state


class Shelf:
    """Program and shipper in one: delivers at once; ``after`` is asked each round whether to stop."""

    def __init__(self, after: Callable[[Shelf], bool] | None = None) -> None:
        self.registry = CollectorRegistry()
        self.health = SimpleNamespace(ready=lambda: True)
        self.lines: list[str] = []
        self.sources: set[str] = set()
        self.pending = 0
        self.has_room = True
        self.stopping = False
        self._after = after

    def ship(self, piece: Piece, source: str, ts: float, generation: int = 0) -> Item:
        self.lines.append(piece.text)
        self.sources.add(source)
        item = Item(b"", b"", piece.end, generation)
        item.delivered = True
        return item

    def poll(self, seconds: float) -> None:
        self.stopping = self._after is not None and self._after(self)
        time.sleep(min(seconds, 0.005))

    def drain(self, seconds: float) -> bool:
        return True

    def tick(self) -> None:
        pass

    def report(self, code: str, message: str) -> None:
        self.lines.append(f"{code}: {message}")


class Desk:
    """A folder with logs, and runs of ``Tail`` over it that share a state file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state" / "state.json"
        self.state.parent.mkdir()

    def run(
        self, *words: str, after: Callable[[Shelf], bool] | None = None, from_start: bool | None = None
    ) -> Shelf:
        shelf: Any = Shelf(after)
        named = tuple(str(self.folder / word) for word in words or ("app.log",))
        options = TailOptions(named, "host", from_start, once=after is None)
        with open_state(self.state, "t") as state:
            Tail(shelf, shelf, state, options, self.state).run()
        made: Shelf = shelf
        return made

    def write(self, name: str, *lines: str, end: str = "\n") -> None:
        with (self.folder / name).open("a") as file:
            file.write("\n".join(lines) + end)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def _until(*lines: str) -> Callable[[Shelf], bool]:
    started = time.monotonic()

    def check(shelf: Shelf) -> bool:
        assert time.monotonic() - started < 20, f"only {shelf.lines}"
        return shelf.lines == list(lines)

    return check


def test_the_next_run_goes_on_where_the_last_one_was(desk: Desk) -> None:
    desk.write("app.log", "a", "b\r", "")
    assert desk.run().lines == ["a", "b", ""]
    assert desk.run().lines == []
    desk.write("app.log", "c")
    assert desk.run().lines == ["c"]


def test_a_line_without_its_end_waits_and_then_goes(desk: Desk) -> None:
    desk.write("app.log", "whole", "half", end="")
    assert desk.run(after=_until("whole", "half")).lines == ["whole", "half"]


def test_a_line_that_is_written_in_two_goes_is_one(desk: Desk) -> None:
    desk.write("app.log", "begin ", end="")
    rounds = []

    def write_the_rest(shelf: Shelf) -> bool:
        rounds.append(1)
        if len(rounds) == 3:
            desk.write("app.log", "end")
        return _until("begin end")(shelf)

    desk.run(after=write_the_rest)


def test_rotation_by_rename_while_running(desk: Desk) -> None:
    desk.write("app.log", "1")

    def rotate(shelf: Shelf) -> bool:
        if shelf.lines == ["1"]:
            (desk.folder / "app.log").rename(desk.folder / "app.log.1")
            desk.write("app.log.1", "2")
            desk.write("app.log", "3")
        return _until("1", "2", "3")(shelf)

    shelf = desk.run(after=rotate)
    assert shelf.sources == {f"host:{desk.folder}/app.log"}
    assert desk.run("app.log").lines == []


def test_rotation_by_copy_and_truncate_while_running(desk: Desk) -> None:
    desk.write("app.log", "first line", "second line")

    def rotate(shelf: Shelf) -> bool:
        if shelf.lines == ["first line", "second line"]:
            os.truncate(desk.folder / "app.log", 0)
            desk.write("app.log", "after", "which is longer than what was there before")
        return _until("first line", "second line", "after", "which is longer than what was there before")(
            shelf
        )

    desk.run(after=rotate)
    assert desk.run().lines == []


def test_a_writer_that_leaves_a_hole_after_truncation(desk: Desk) -> None:
    path = desk.folder / "app.log"
    with path.open("wb", buffering=0) as file:
        file.write(b"x" * 5_000_000 + b"\n")
        desk.run()
        os.truncate(path, 0)
        file.write(b"after\n")
    assert path.stat().st_size > 5_000_000
    assert desk.run().lines == ["after"]


def test_the_rest_of_a_file_that_was_rotated_while_nobody_looked(desk: Desk) -> None:
    desk.write("app.log", "1")
    desk.run()
    desk.write("app.log", "2")
    (desk.folder / "app.log").rename(desk.folder / "app.log.1")
    desk.write("app.log", "3")
    shelf = desk.run()
    assert shelf.lines == ["2", "3"]
    assert shelf.sources == {f"host:{desk.folder}/app.log"}


def test_a_file_that_was_made_anew_is_read_from_its_start(desk: Desk) -> None:
    desk.write("app.log", "old 1", "old 2")
    desk.run()
    (desk.folder / "app.log").unlink()
    desk.write("app.log", "new 1", "new 2", "new 3")
    assert desk.run().lines == ["new 1", "new 2", "new 3"]


def test_a_file_that_others_words_meant_is_left_alone(desk: Desk) -> None:
    desk.write("app.log", "1")
    desk.run()
    desk.write("app.log", "2")
    desk.write("other.log", "3")
    assert desk.run("other.log").lines == ["3"]
    assert desk.run().lines == ["2"]


def test_folders_and_globs_leave_out_what_is_compressed_or_hidden(desk: Desk) -> None:
    (desk.folder / "logs" / "deep").mkdir(parents=True)
    for name in ("a.log", "a.log.2.gz", ".hidden", "deep/b.log"):
        desk.write(f"logs/{name}", name)
    assert desk.run("logs").lines == ["a.log", "deep/b.log"]
    desk.write("logs/a.log", "more")
    assert desk.run("logs/*.log*").lines == ["more"]


def test_two_names_of_one_file_are_one(desk: Desk) -> None:
    desk.write("app.log", "1")
    (desk.folder / "link.log").symlink_to(desk.folder / "app.log")
    assert desk.run("*.log").lines == ["1"]


def test_where_files_begin_that_are_seen_for_the_first_time(desk: Desk) -> None:
    desk.write("new.log", "new")
    desk.write("old.log", "old")
    long_ago = time.time() - 100_000
    os.utime(desk.folder / "old.log", (long_ago, long_ago))
    assert desk.run("*.log").lines == ["new"]
    desk.write("old.log", "fresh")
    assert desk.run("*.log").lines == ["fresh"]
    for from_start, lines in ((True, ["x"]), (False, [])):
        desk.write(f"{from_start}.x", "x")
        assert desk.run(f"{from_start}.x", from_start=from_start).lines == lines


def test_a_file_that_appears_while_running_is_read_from_its_start(desk: Desk) -> None:
    desk.write("a.log", "old")

    def appear(shelf: Shelf) -> bool:
        if not (desk.folder / "b.log").exists():
            desk.write("b.log", "1", "2")
        return _until("1", "2")(shelf)

    desk.run("*.log", after=appear, from_start=False)


def test_pipes_and_folders_in_the_way_hold_up_nothing(desk: Desk) -> None:
    os.mkfifo(desk.folder / "pipe.log")
    (desk.folder / "dir.log").mkdir()
    desk.write("a.log", "1")
    assert desk.run("*.log").lines == ["1"]


_STEPS = st.lists(st.sampled_from(["write", "half", "rotate", "truncate", "run"]), max_size=12)


@settings(max_examples=60, deadline=None)
@given(_STEPS)
def test_whatever_happens_between_runs_each_line_comes_once_and_in_order(steps: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        path = desk.folder / "app.log"
        path.touch()
        open_lines: dict[int, list[str]] = {path.stat().st_ino: []}
        shipped: list[str] = []
        number = 0
        for step in [*steps, "run"]:
            here = open_lines.setdefault(path.stat().st_ino, [])
            if step in ("write", "half"):
                number += 1
                lines = [f"{number} {'x' * (number * 37 % 90)} {index}" for index in range(3)]
                desk.write("app.log", *lines)
                here += lines
            elif step == "rotate":
                number += 1
                path.rename(desk.folder / f"app.log.{number}")
                path.touch()
            elif step == "truncate":
                os.truncate(path, 0)
                here.clear()
            else:
                wanted = [line for lines in open_lines.values() for line in lines]
                got = desk.run("app.log*").lines
                assert sorted(got) == sorted(wanted)
                shipped += got
                for lines in open_lines.values():
                    lines.clear()
        assert len(shipped) == len(set(shipped))
