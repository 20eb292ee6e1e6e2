"""The event log: whatever its bytes are, whole events are read, and what comes next is kept."""

from __future__ import annotations

import fcntl
import json
import os
import resource
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.event import Choice, encode, new_event
from dspy_agent.learning.log import MAX_LINE, Reader, append

_CHOICE = Choice("d" * 16, "esearch", "a" * 16, ("user", "1"))


def line(id: str) -> bytes:
    return encode(new_event(_CHOICE, {"hits": 3}, id=id, workspace=Path("/shop"), source="cli"))


def ids(path: Path) -> list[str]:
    return [event.id for event in Reader(path)]


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("log") / "events.jsonl"


def test_an_event_has_the_name_of_the_folder_or_of_the_workspace_in_the_cluster(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert json.loads(line("a"))["workspace"] == "shop"
    monkeypatch.setenv("DSPY_AGENT_WORKSPACE_NAME", "team-shop")
    assert json.loads(line("a"))["workspace"] == "team-shop"


@given(st.binary(max_size=300) | st.lists(st.sampled_from([line("x"), b"\n", b"{", b"\0"])).map(b"".join))
def test_after_any_bytes_an_event_is_kept_and_read(log: Path, bytes_before: bytes) -> None:
    log.write_bytes(bytes_before)
    before = ids(log)
    append(log, [line("new")])
    assert log.read_bytes().startswith(bytes_before)
    assert ids(log)[-1] == "new"
    assert ids(log)[: len(before)] == before


@given(st.data())
def test_a_log_torn_at_any_byte_loses_only_the_torn_line(log: Path, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 4))
    log.unlink(missing_ok=True)
    for number in range(count):
        append(log, [line(f"{number}")])
    whole = log.read_bytes()
    at = data.draw(st.integers(0, len(whole)))
    log.write_bytes(whole[:at])
    kept = [f"{number}" for number in range(whole[:at].count(b"\n"))]
    assert ids(log) == kept
    append(log, [line("new"), line("newer")])
    reader = Reader(log)
    found = [event.id for event in reader]
    # A torn line that only lacks its end is the whole event.
    assert found in ([*kept, "new", "newer"], [*kept, f"{len(kept)}", "new", "newer"])
    assert reader.passed_over.total() == (len(whole[:at].splitlines()) + 2 - len(found))


@given(st.lists(st.sampled_from(["event", "garbage", "newer", "empty", "huge"]), max_size=8), st.data())
def test_reading_goes_on_at_any_offset_that_a_reader_came_to(
    log: Path, kinds: list[str], data: st.DataObject
) -> None:
    newer = json.dumps({**json.loads(line("n")), "schema_version": 2}).encode()
    pieces = {"garbage": b"\xff{", "newer": newer, "empty": b"", "huge": b"x" * (MAX_LINE + 7)}
    lines = [pieces[kind] if kind in pieces else line(f"{number}") for number, kind in enumerate(kinds)]
    log.write_bytes(b"".join(item + b"\n" for item in lines))
    whole = Reader(log)
    expected = [event.id for event in whole]
    assert expected == [f"{number}" for number, kind in enumerate(kinds) if kind == "event"]
    assert whole.passed_over.total() == len(kinds) - len(expected)
    assert whole.offset == log.stat().st_size
    stops = data.draw(st.integers(0, len(expected)))
    first = Reader(log)
    seen = [event.id for event in islice(first, stops)]
    rest = Reader(log, first.offset)
    assert seen + [event.id for event in rest] == expected


def test_what_is_no_event_is_counted_by_the_reason(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    newer = json.dumps({**json.loads(line("n")), "schema_version": 2}).encode()
    log.write_bytes(
        b"\n".join([b"x" * 3 * MAX_LINE, b"\xff", b"{}", newer, b"", line("last"), b"unfinished"])
    )
    reader = Reader(log)
    assert [event.id for event in reader] == ["last"]
    assert reader.passed_over == {
        "TooLarge": 1,
        "NotUtf8": 1,
        "BadField": 1,
        "UnknownVersion": 1,
        "NotJson": 1,
    }


def test_no_log_has_no_events(tmp_path: Path) -> None:
    assert ids(tmp_path / "none") == []


@pytest.mark.parametrize("wrong", [b"x" * MAX_LINE, b"a\nb"])
def test_what_is_no_line_is_refused(tmp_path: Path, wrong: bytes) -> None:
    log = tmp_path / "events.jsonl"
    with pytest.raises(ValueError, match="no line"):
        append(log, [line("a"), wrong])
    assert not log.exists()


def test_no_symlink_pipe_or_folder_is_written(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_text("mine")
    (tmp_path / "link").symlink_to(outside)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("link", "pipe", "folder"):
        with pytest.raises(OSError, match=r"Errno"):
            append(tmp_path / name, [line("a")])
    assert outside.read_text() == "mine"
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_full_disk_is_told_and_the_log_goes_on_when_there_is_room(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    append(log, [line("first")])
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (log.stat().st_size + 20, hard))
    try:
        for _ in range(3):
            with pytest.raises(OSError, match=r"space|large"):
                append(log, [line("lost")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert ids(log) == ["first"]
    append(log, [line("last")])
    assert ids(log) == ["first", "last"]


def test_a_process_that_keeps_the_lock_is_not_waited_for_long(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    append(log, [line("first")])
    with log.open("ab") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(TimeoutError):
            append(log, [line("second")])
    append(log, [line("third")])
    assert ids(log) == ["first", "third"]


_WRITER = """
import sys
from pathlib import Path
from tests.learning.test_log import line
from dspy_agent.learning.log import append
for number in range(100_000):
    id = f"{sys.argv[2]}-{number}"
    append(Path(sys.argv[1]), [line(id)])
    print(id, flush=True)
"""


def _writers(log: Path, round: int) -> Iterator[subprocess.Popen[str]]:
    for name in ("a", "b"):
        yield subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(log), f"{round}{name}"], stdout=subprocess.PIPE, text=True
        )


def test_two_writers_that_are_killed_lose_no_event_that_they_acknowledged(tmp_path: Path) -> None:
    log = tmp_path / "events.jsonl"
    acknowledged: list[str] = []
    for round in range(4):
        running = list(_writers(log, round))
        said = [process.stdout for process in running if process.stdout is not None]
        lines = [output.readline() for output in said for _ in range(5 + round)]
        for process in running:
            process.send_signal(signal.SIGKILL)
        lines += [line for output in said for line in output if line.endswith("\n")]
        for process, output in zip(running, said, strict=True):
            process.wait()
            output.close()
        acknowledged += [line.strip() for line in lines]
    found = ids(log)
    assert set(acknowledged) <= set(found)
    assert len(set(found)) == len(found)
    assert len(found) <= len(acknowledged) + 8  # written, and killed before it was said
