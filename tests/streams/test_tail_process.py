"""``stream tail`` as a process: at least once through a kill, and a clean end."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.kafka import DEADLINE, mock_cluster, read

PROGRAM = str(Path(sys.executable).with_name("dspy-agent"))
TOPIC = "logs.raw.web"


@pytest.fixture
def broker() -> Iterator[str]:
    with mock_cluster() as bootstrap:
        yield bootstrap


def _words(folder: Path, broker: str, *words: str) -> list[str]:
    options = ["--app", "web", "--bootstrap", broker, "--workspace", str(folder)]
    return [PROGRAM, "stream", "tail", *options, *words]


@contextmanager
def _following(folder: Path, broker: str, *words: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        _words(folder, broker, *words), stderr=subprocess.DEVNULL, stdin=subprocess.PIPE, text=True
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _once(folder: Path, broker: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        _words(folder, broker, "--once", *words), capture_output=True, text=True, timeout=DEADLINE
    )


def _lines(records: list[Any]) -> list[str]:
    return [json.loads(record.value())["line"] for record in records]


def test_lines_come_with_their_source_as_the_key_and_a_time(tmp_path: Path, broker: str) -> None:
    log = tmp_path / "app.log"
    log.write_text("first\nsecond\n")
    done = _once(tmp_path, broker, "--host", "node", str(log))
    assert (done.returncode, done.stdout) == (0, "")
    assert "2 lines" in done.stderr
    records = read(broker, TOPIC, 2)
    message = json.loads(records[0].value())
    assert message == {"schema_version": 1, "line": "first", "ts": message["ts"], "source": f"node:{log}"}
    assert abs(message["ts"] - log.stat().st_mtime) < 1
    assert {record.key() for record in records} == {f"node:{log}".encode()}
    assert len({record.partition() for record in records}) == 1


def test_killed_at_any_moment_no_line_is_lost_and_the_state_stays_readable(
    tmp_path: Path, broker: str
) -> None:
    log = tmp_path / "app.log"
    wanted: list[str] = []
    for start in (0, 1500, 3000):
        lines = [f"line {number}" for number in range(start, start + 1500)]
        wanted += lines
        with log.open("a") as file:
            file.write("\n".join(lines) + "\n")
        with _following(tmp_path, broker, str(log)) as process:
            read(broker, TOPIC, start + 1)
            process.send_signal(signal.SIGKILL)
            process.wait(DEADLINE)
        state = tmp_path / ".dspy_tail_state.json"
        assert not state.exists() or json.loads(state.read_text())["version"] == 1
    assert _once(tmp_path, broker, str(log)).returncode == 0
    assert _once(tmp_path, broker, str(log)).stderr.startswith("stream-tail: 0 lines")

    def has_all(records: list[Any]) -> bool:
        return len(records) >= len(wanted) and _lines(records[-1:]) == wanted[-1:]

    got = _lines(read(broker, TOPIC, has_all))
    assert list(dict.fromkeys(got)) == wanted


def test_sigterm_ends_it_with_all_it_read_delivered(tmp_path: Path, broker: str) -> None:
    log = tmp_path / "app.log"
    log.write_text("1\n")
    with _following(tmp_path, broker, str(log)) as process:
        read(broker, TOPIC, 1)
        process.terminate()
        assert process.wait(DEADLINE) == 0
    assert _once(tmp_path, broker, str(log)).stderr.startswith("stream-tail: 0 lines")


def test_what_stands_on_stdin_is_shipped_as_it_comes(tmp_path: Path, broker: str) -> None:
    with _following(tmp_path, broker, "--host", "pipe", "-") as process:
        assert process.stdin is not None
        process.stdin.write("a\nb")
        process.stdin.flush()
        assert _lines(read(broker, TOPIC, 1)) == ["a"]
        process.stdin.close()
        assert process.wait(DEADLINE) == 0
    assert _lines(read(broker, TOPIC, 2)) == ["a", "b"]


def test_a_line_that_is_too_long_is_cut_and_said(tmp_path: Path, broker: str) -> None:
    log = tmp_path / "app.log"
    log.write_bytes(b"\x01" * 3_000_000 + b"\nnext\n")
    done = _once(tmp_path, broker, str(log))
    assert "too long" in done.stderr
    long, short = _lines(read(broker, TOPIC, 2))
    assert long.endswith(f"[{3_000_000 - (128 << 10)} more bytes]")
    assert short == "next"


def test_two_processes_do_not_share_a_state_file(tmp_path: Path, broker: str) -> None:
    log = tmp_path / "app.log"
    log.write_text("1\n")
    with _following(tmp_path, broker, str(log)):
        read(broker, TOPIC, 1)
        done = _once(tmp_path, broker, str(log))
    assert done.returncode == 3
    assert "Another process" in done.stderr


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 9, "topics": {}}', '{"version": 1}'])
def test_a_foreign_state_file_is_refused_and_left_alone(tmp_path: Path, text: str) -> None:
    state = tmp_path / "state.json"
    state.write_text(text)
    done = _once(tmp_path, "127.0.0.1:1", "--state", str(state), str(tmp_path / "app.log"))
    assert done.returncode == 3
    assert "no state file" in done.stderr
    assert state.read_text() == text


def test_nothing_there_is_said(tmp_path: Path) -> None:
    done = _once(tmp_path, "127.0.0.1:1", str(tmp_path / "none.log"))
    assert done.returncode == 1
    assert "no file is at" in done.stderr


@pytest.mark.parametrize("words", [("-", "a.log"), ("--app", "other", "a.log"), ()])
def test_wrong_words_are_refused(tmp_path: Path, words: tuple[str, ...]) -> None:
    assert _once(tmp_path, "127.0.0.1:1", *words).returncode == 2
