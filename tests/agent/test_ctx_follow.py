"""``ctx --follow``: files that programs write, rotate and cut, standard input, and the streams."""

from __future__ import annotations

import gzip
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO

import pytest

from dspy_agent.streams.http import Reply, serving
from dspy_agent.streams.router_store import RouterStore
from dspy_agent.streams.router_view import routes
from dspy_agent_core.contracts.messages import Context
from tests.agent.session_kit import PROGRAM, Terminal, environment
from tests.agent.test_ctx_router import boom, context

DEADLINE = 30.0
TRACE = """\
Traceback (most recent call last):
  File "/app/pay.py", line 3, in work
    boom()
ValueError: {message}
"""


class Follower:
    """A running ``ctx --follow --json``."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.results: list[dict] = []
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(process.stdout,), daemon=True).start()

    def _read(self, stdout: IO[bytes]) -> None:
        for line in stdout:
            self._lines.put(line)
        self._lines.put(None)

    @property
    def counts(self) -> dict[str, int]:
        """What was told of each event last."""
        return {event["message"]: event["count"] for found in self.results for event in found["events"]}

    def next(self) -> bool:
        """Wait for the next object; False at the end."""
        line = self._lines.get(timeout=DEADLINE)
        if line is not None:
            self.results.append(json.loads(line))
        return line is not None

    def until(self, **counts: int) -> None:
        """Wait until each event named was told so often; names have ``_`` for a space."""
        wanted = {name.replace("_", " "): count for name, count in counts.items()}
        while not wanted.items() <= self.counts.items():
            assert self.next(), f"it ended with {self.counts}"


@contextmanager
def following(
    cwd: Path, *words: str, stdin: int | None = subprocess.DEVNULL, **extra: str
) -> Iterator[Follower]:
    process = subprocess.Popen(
        [*PROGRAM, "ctx", "--follow", "--json", *words],
        cwd=cwd,
        env=environment(cwd / ".state", **extra),
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield Follower(process)
    finally:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream:
                stream.close()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    path = tmp_path / "logs" / "app.log"
    path.write_text("ERROR at first\n")
    return path


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_what_is_there_and_then_what_comes(tmp_path: Path, log: Path) -> None:
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        assert follower.results[0]["files"] == ["logs/app.log"]
        append(log, TRACE.format(message="boom") + "ERROR at first\nWARNING then\n")
        follower.until(at_first=2, then=1, boom=1)
        (boom,) = [e for found in follower.results for e in found["events"] if e["message"] == "boom"]
        assert (boom["before"], boom["source"], boom["frame"]["line"]) == (0, "logs/app.log", 3)
        assert log.read_bytes()[boom["offset"] :].startswith(b"Traceback")


def test_a_trace_that_is_written_slowly_stays_one(tmp_path: Path, log: Path) -> None:
    pieces = TRACE.format(message="boom").splitlines(keepends=True)
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        for piece in pieces:
            append(log, piece[:5])
            append(log, piece[5:])
            time.sleep(0.03)  # the pace of the writer, not a wait for the reader
        follower.until(boom=1)
    assert follower.counts == {"at first": 1, "boom": 1}


def test_messages_that_turn_out_to_be_alike_are_counted_as_one(tmp_path: Path, log: Path) -> None:
    names = ("ann", "bob", "eve", "joe", "kim", "lee")
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        for name in names:  # each a batch of its own
            append(log, f"ERROR login failed for user {name}\n")
            while f"login failed for user {name}" not in follower.counts:
                assert follower.next()
        assert follower.counts["login failed for user lee"] == len(names)


def test_a_last_line_without_an_end_is_told(tmp_path: Path, log: Path) -> None:
    append(log, "ERROR without")
    with following(tmp_path) as follower:
        follower.until(without=1)


def test_rotation_by_rename_loses_nothing(tmp_path: Path, log: Path) -> None:
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        with log.open("a") as old:
            log.rename(log.with_name("app.log.1"))
            old.write("ERROR into the old one\n")
            old.flush()
            log.write_text("ERROR into the new one\n")
            follower.until(into_the_old_one=1, into_the_new_one=1)
            old.write("ERROR late into the old one\n")
            old.flush()
            follower.until(late_into_the_old_one=1)
        log.with_name("app.log.2.gz").write_bytes(gzip.compress(log.with_name("app.log.1").read_bytes()))
        append(log, "ERROR after packing\n")
        follower.until(after_packing=1)
    assert set(follower.counts.values()) == {1}


def test_rotation_by_copy_and_truncate(tmp_path: Path, log: Path) -> None:
    append(log, "ERROR a line that will be copied\n" * 50)
    with following(tmp_path) as follower:
        follower.until(a_line_that_will_be_copied=50)
        log.with_name("app.log.1").write_bytes(log.read_bytes())
        os.truncate(log, 0)
        append(log, "ERROR after the cut\n")
        follower.until(after_the_cut=1)
        # longer than before at once: only the bytes before the position tell
        log.write_text("ERROR written anew\n" + "INFO filler\n" * 500 + "ERROR end\n")
        follower.until(written_anew=1, end=1)
    assert follower.counts["a line that will be copied"] == 50


def test_a_program_that_goes_on_behind_a_hole(tmp_path: Path, log: Path) -> None:
    with log.open("wb") as file:
        file.write(b"ERROR before the cut\n")
        file.flush()
        with following(tmp_path) as follower:
            follower.until(before_the_cut=1)
            file.seek(8 << 30)  # so much would have been written
            os.truncate(log, 0)
            file.write(b"ERROR after the cut\n")
            file.flush()
            follower.until(after_the_cut=1)


def test_files_that_come_and_go(tmp_path: Path, log: Path) -> None:
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        (tmp_path / "logs" / "new.log").write_text("ERROR in a new file\n")
        (tmp_path / "logs" / "new.bin").write_bytes(bytes(range(256)) * 10)
        follower.until(in_a_new_file=1)
        log.unlink()
        (tmp_path / "logs" / "new.log").unlink()
        log.write_text("ERROR back again\n")
        follower.until(back_again=1)


def test_a_real_program_that_fails_again_and_again(tmp_path: Path, log: Path) -> None:
    program = (
        "import logging, logging.handlers, sys\n"
        f"handler = logging.handlers.RotatingFileHandler({str(log)!r}, maxBytes=3000, backupCount=50)\n"
        "logging.basicConfig(handlers=[handler], format='%(asctime)s %(levelname)s %(message)s')\n"
        "for number in range(100):\n"
        "    try: {}['key']\n"
        "    except KeyError: logging.exception('failed')\n"
    )
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
        append(log, "ERROR the end\n")
        follower.until(the_end=1)
        # Between two looks several files may have come and gone: those are in the rotated files only.
        assert follower.counts["'key'"] >= 1


def test_standard_input_until_it_ends(tmp_path: Path) -> None:
    with following(tmp_path, "--logs", "-", stdin=subprocess.PIPE) as follower:
        assert follower.process.stdin is not None
        follower.process.stdin.write(b"INFO calm\nERROR piped\n")
        follower.process.stdin.flush()
        follower.until(piped=1)
        follower.process.stdin.write(TRACE.format(message="boom").encode() + b"ERROR cut of")
        follower.process.stdin.close()
        follower.until(boom=1, cut_of=1)
        assert not follower.next()
        assert follower.process.wait(DEADLINE) == 0


def test_calm_standard_input_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [*PROGRAM, "ctx", "-f", "--logs", "-"],
        cwd=tmp_path,
        env=environment(tmp_path / ".state"),
        input=b"INFO calm\n",
        capture_output=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"Nothing at warning or above in 1 line" in done.stderr


def store(*contexts: Context) -> RouterStore:
    made = RouterStore(["web"])
    for each in contexts:
        made.add_context(each, each.encode())
    return made


def test_streams_are_followed_through_a_restart_of_the_router(tmp_path: Path) -> None:
    first, second, third = (context("web", number, boom(number, 1)) for number in (0, 10, 20))
    lives = [store(first)]

    def answer(path: str, query: Mapping[str, list[str]]) -> Reply:
        return routes(lives[-1], lambda: None, dict)["/v1/contexts"](path, {**query, "wait": ["0.2"]})

    with serving(0, {"/v1/contexts": answer}, "127.0.0.1") as port:
        url = f"http://127.0.0.1:{port}"
        with following(tmp_path, "--app", "web", DSPY_AGENT_ROUTER=url) as follower:
            follower.until(boom_0=1)
            lives[-1].add_context(second, second.encode())
            follower.until(boom_10=2)
            lives.append(store(first, second))  # it reads the recent contexts again
            lives[-1].add_context(third, third.encode())
            follower.until(boom_20=3)


def test_a_router_that_is_away_at_first(tmp_path: Path, log: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with following(tmp_path, DSPY_AGENT_ROUTER=f"http://127.0.0.1:{port}") as follower:
            follower.until(at_first=1)
            assert "the router" in follower.results[0]["unread"][0]["why"]
            taken.close()
            live = store(context("web", 0, boom(0, 1)))
            with serving(port, routes(live, lambda: None, dict), "127.0.0.1"):
                follower.until(boom_0=1)


def test_a_flood_of_the_same_is_told_once_a_second(tmp_path: Path, log: Path) -> None:
    with following(tmp_path) as follower:
        follower.until(at_first=1)
        started = time.monotonic()
        for _ in range(300):
            append(log, "ERROR at first\n")
            time.sleep(0.005)  # the pace of the writer
        follower.until(at_first=301)
        assert len(follower.results) <= 3 + (time.monotonic() - started)
        counts = [(e.get("before"), e["count"]) for found in follower.results for e in found["events"]]
        assert all(later[0] == earlier[1] for earlier, later in pairwise(counts))


def test_it_ends_when_nobody_reads_any_more(tmp_path: Path, log: Path) -> None:
    process = subprocess.Popen(
        [*PROGRAM, "ctx", "-f"],
        cwd=tmp_path,
        env=environment(tmp_path / ".state"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdout is not None
    assert b"at first" in process.stdout.readline()
    process.stdout.close()
    assert process.wait(DEADLINE) == 141


def test_ctrl_c_ends_it_and_in_a_session_gives_the_prompt_back(tmp_path: Path, log: Path) -> None:
    env = environment(tmp_path / ".state")
    terminal = Terminal(["ctx", "--follow"], tmp_path, env)
    try:
        terminal.expect("at first")
        append(log, "ERROR at first\n")
        terminal.expect("(was 1) at first")
        terminal.send("\x03")
        assert terminal.ends() == 130
    finally:
        terminal.close()
    terminal = Terminal([], tmp_path, env)
    try:
        terminal.expect("Ctrl-D ends")
        terminal.send("ctx --follow\r")
        terminal.expect("at first")
        append(log, "ERROR second\n")
        terminal.expect("(new) second")
        terminal.send("\x03")
        terminal.expect("interrupted")
        terminal.send("ctx\r")
        terminal.expect("1×  second")
        terminal.expect(f"{tmp_path.name}>")
        terminal.send("exit\r")
        assert terminal.ends() == 0
    finally:
        terminal.close()
