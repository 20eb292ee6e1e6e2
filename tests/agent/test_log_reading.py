"""Reading logs from their end: how much of them is read, packed ones, times, offsets, hostile bytes."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent.logs.find import MAX_FILES, find_logs, rotated_from
from dspy_agent.logs.gather import FILLED, OLDER, ONLY_THE_END, Gathering
from dspy_agent.logs.lines import lines_of
from dspy_agent.logs.progress import Progress
from dspy_agent.logs.read import LogFile, NotALog
from dspy_agent.logs.tail import Tail
from dspy_agent_core.contracts.results import Unread
from dspy_agent_core.logs.lines import MAX_LINE

START = datetime(2026, 1, 1, tzinfo=UTC)


def read(path: Path, limit: int | None = None, since: float | None = None) -> list[tuple[int, str]]:
    return list(LogFile(path, limit, since).lines())


def gathered(folder: Path, since: float | None = None) -> tuple[list[str], list[Unread]]:
    lines: list[str] = []
    gathering = Gathering(
        folder, lambda text, source, at, offset: lines.append(text), since, everything=False
    )
    gathering.files(find_logs(folder, (folder,)))
    return lines, gathering.unread


def timed_log(path: Path, minutes: int, every_minute: int = 1000) -> None:
    with path.open("w") as file:
        for minute in range(minutes):
            stamp = (START + timedelta(minutes=minute)).isoformat()
            file.writelines(f"{stamp} INFO line {number} of {minute}\n" for number in range(every_minute))


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_packed_files_in_several_members(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "packed"
    path.write_bytes(pack(b"one\ntw") + pack(b"o\nthree\n"))
    assert read(path) == read(path, 1 << 20) == [(0, "one\n"), (4, "two\n"), (8, "three\n")]
    assert read(path, 10) == [(8, "three\n")]


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_damaged_end_keeps_what_came_before(tmp_path: Path, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / "packed"
    path.write_bytes(pack(b"one\n") + pack(os.urandom(30_000).hex().encode())[:-9])
    file = LogFile(path, 1 << 20)
    assert next(file.lines()) == (0, "one\n")
    list(LogFile(path, None).lines())


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@given(place=st.integers(0, 200), byte=st.integers(0, 255), limit=st.sampled_from([None, 64, 1 << 20]))
@settings(max_examples=60, deadline=None)
def test_damaged_bytes_anywhere_do_no_harm(
    tmp_path_factory: pytest.TempPathFactory,
    pack: Callable[[bytes], bytes],
    place: int,
    byte: int,
    limit: int | None,
) -> None:
    packed = bytearray(pack(b"a line\n" * 100))
    packed[place % len(packed)] = byte
    path = tmp_path_factory.mktemp("packed") / "log"
    path.write_bytes(packed)
    with suppress(NotALog):
        read(path, limit)


def test_what_can_not_be_unpacked_names_what_can(tmp_path: Path) -> None:
    (tmp_path / "a.log.zst").write_bytes(b"\x28\xb5\x2f\xfd" + bytes(100))
    _, unread = gathered(tmp_path)
    assert [item.why for item in unread] == ["zstd-packed: unpack it with zstd -d"]


def test_a_bomb_is_unpacked_in_part(tmp_path: Path) -> None:
    path = tmp_path / "bomb.log.bz2"
    path.write_bytes(bz2.compress(b"x" * 79 + b"\n") + bz2.compress((b"y" * 79 + b"\n") * 800_000))
    file = LogFile(path, 1 << 10)
    assert len(list(file.lines())) < 20
    assert file.damaged == "only its beginning was unpacked"


def test_since_is_searched_in_a_large_file(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    timed_log(path, minutes=600)
    size = path.stat().st_size
    assert size > 20 << 20
    lines, unread = gathered(tmp_path, (START + timedelta(minutes=590)).timestamp())
    wanted = [line for line in lines if " of 59" in line]
    assert len(wanted) == 10_000
    assert len(lines) < 30_000
    (skipped,) = unread
    assert skipped.why == OLDER
    assert skipped.bytes is not None
    assert skipped.bytes > size * 0.9


def test_since_goes_further_back_than_usual(tmp_path: Path) -> None:
    timed_log(tmp_path / "app.log", minutes=600)
    lines, _ = gathered(tmp_path)
    assert len(lines) < 250_000
    lines, unread = gathered(tmp_path, (START + timedelta(minutes=60)).timestamp())
    assert sum(" INFO " in line for line in lines) >= 540_000
    assert [item.why for item in unread] == [OLDER]


def test_since_before_all_that_can_be_read_says_so(tmp_path: Path) -> None:
    with (tmp_path / "huge.log").open("wb") as file:
        file.write(b"2026-01-01T00:00:00Z ERROR first\n")
        file.seek(5 << 30)
        file.write(b"\n2026-01-02T00:00:00Z ERROR last\n")
    lines, unread = gathered(tmp_path, START.timestamp() - 60)
    assert lines[-1] == "2026-01-02T00:00:00Z ERROR last\n"
    assert [item.why for item in unread] == [ONLY_THE_END]
    assert (unread[0].bytes or 0) > 4 << 30


def test_since_is_found_behind_a_hole(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    timed_log(path, minutes=100)
    text = path.read_bytes()
    with path.open("wb") as file:
        file.seek(3 << 30)
        file.write(text)
    lines, unread = gathered(tmp_path, (START + timedelta(minutes=90)).timestamp())
    assert sum(" of 9" in line for line in lines) >= 10_000
    assert len(lines) < 30_000
    assert [item.why for item in unread] == [OLDER]


def test_files_that_were_not_written_since_then_are_counted_only(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"{number}.log").write_text("2020-01-01T00:00:00Z ERROR old\n")
        os.utime(tmp_path / f"{number}.log", (1_577_836_800, 1_577_836_800))
    lines, unread = gathered(tmp_path, START.timestamp())
    assert lines == []
    assert unread == [Unread("3 older files", "not written since then")]


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_long_reading_is_told_on_a_terminal_only(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"INFO filler\n" * 400_000)
    told: dict[bool, str] = {}
    for stream in (_Terminal(), io.StringIO()):
        progress = Progress(stream, patience=0.0)
        list(LogFile(path, None, tell=partial(progress.at, "a.log")).lines())
        progress.end()
        told[stream.isatty()] = stream.getvalue()
    assert "reading a.log: " in told[True]
    assert " of 4 MiB" in told[True]
    assert told[True].endswith("\x1b[K")
    assert told[False] == ""


def test_newer_files_fill_what_is_read(tmp_path: Path) -> None:
    for number in range(6):
        path = tmp_path / f"app.log.{number}"
        path.write_bytes(b"INFO filler\n" * 800_000)
        os.utime(path, (1_700_000_000, 1_700_000_000))
    _, unread = gathered(tmp_path)
    assert [(item.path, item.why) for item in unread if item.why == FILLED] == [("2 older files", FILLED)]


def test_of_very_many_files_the_newest_are_read_unless_all_are_asked_for(tmp_path: Path) -> None:
    for number in range(MAX_FILES + 20):
        path = tmp_path / f"{number}.log"
        path.write_text("ERROR x\n")
        os.utime(path, (1_700_000_000 + number, 1_700_000_000 + number))
    found = find_logs(tmp_path, (tmp_path,))
    assert (len(found.files), found.left_out, found.files[0].name) == (MAX_FILES, 20, f"{MAX_FILES + 19}.log")
    found = find_logs(tmp_path, (tmp_path,), everything=True)
    assert (len(found.files), found.left_out) == (MAX_FILES + 20, 0)
    found = find_logs(tmp_path, (tmp_path,), apps=("3",))
    assert ([path.name for path in found.files], found.left_out) == (["3.log"], 0)


def test_rotated_files_come_in_their_order_whatever_their_times(tmp_path: Path) -> None:
    for name, age in (
        ("app.log", 50),
        ("app.log.1", 3),
        ("app.log.10", 2),
        ("app.log.2.gz", 1),
        ("b.log", 4),
    ):
        (tmp_path / name).write_text("x\n")
        os.utime(tmp_path / name, (1_700_000_000 - age, 1_700_000_000 - age))
    found = [path.name for path in find_logs(tmp_path, (tmp_path,)).files]
    assert found == ["b.log", "app.log", "app.log.1", "app.log.2.gz", "app.log.10"]


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("app.log.1", "app.log"),
        ("app.log.12.gz", "app.log"),
        ("app.log-20260131.xz", "app.log"),
        ("app.log.2026-01-31", "app.log"),
        ("syslog.1", "syslog"),
        ("app.log", None),
        ("0.log", None),
        ("app-2026-01-31.log", None),
    ],
)
def test_names_of_rotated_files(name: str, base: str | None) -> None:
    assert rotated_from(Path(name)) == (Path(base) if base else None)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_a_wide_file_is_read_from_its_end_too(tmp_path: Path, encoding: str) -> None:
    bom = "\ufeff"
    path = tmp_path / "wide.log"
    path.write_bytes(
        (bom + "INFO filler\r\n" * 1000 + "ERROR böse \U0001f4a5\r\nERROR last\r\n").encode(encoding)
    )
    file = LogFile(path, 200)
    lines = list(file.lines())
    assert [text for _, text in lines[-2:]] == ["ERROR böse \U0001f4a5\r\n", "ERROR last\r\n"]
    assert file.skipped > 20_000
    for offset, text in lines:
        assert path.read_bytes()[offset:].startswith(text.encode(encoding))


PIECES = st.one_of(st.binary(max_size=50), st.sampled_from([b"\n", b"\r\n", b"ERROR x\n", b"\0" * 100]))


@given(st.lists(PIECES, max_size=40), st.one_of(st.none(), st.integers(1, 300)))
@settings(deadline=None)
def test_each_line_stands_at_its_offset(pieces: list[bytes], limit: int | None) -> None:
    data = b"".join(pieces)
    for offset, text in lines_of(io.BytesIO(data)):
        raw = data[offset:].split(b"\n")[0].replace(b"\0", b"")
        assert text.rstrip("\n") == raw.decode("utf-8", "replace").rstrip("\n")


@given(st.lists(st.binary(max_size=60).filter(lambda piece: b"\0" not in piece), min_size=1, max_size=20))
@settings(max_examples=60, deadline=None)
def test_a_tail_reads_what_reading_at_once_reads(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]
) -> None:
    path = tmp_path_factory.mktemp("tail") / "log"
    path.write_bytes(b"")
    tail = Tail(path)
    found: list[tuple[int, str]] = []
    for piece in [*pieces, b"\n"]:
        with path.open("ab") as file:
            file.write(piece)
        found += tail.poll()
    tail.close()
    whole = list(lines_of(io.BytesIO(path.read_bytes())))
    assert found == [(offset, text.removesuffix("\n").removesuffix("\r")) for offset, text in whole]


def test_a_line_without_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"first\n")
    tail = Tail(path)
    found = list(tail.poll())
    with path.open("ab") as file:
        file.write(b"x" * (10 << 20) + b"\nlast\n")
    while found[-1][1] != "last":
        found += tail.poll()
    tail.close()
    assert [text[:MAX_LINE] for _, text in found] == ["first", "x" * MAX_LINE, "last"]
    assert [len(text) for _, text in read(path)] == [6, MAX_LINE, 5]
    assert found[-1][0] == read(path)[-1][0] == 7 + (10 << 20)
