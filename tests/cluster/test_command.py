"""``connect NAME -- command``: streams, exit codes, and which pod."""

from __future__ import annotations

import contextlib
import random
import re
import subprocess
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import Cli, pod


def test_the_exit_code_is_the_remote_one(cli: Cli) -> None:
    assert cli.run("connect", "demo", "--", "sh", "-c", "exit 37").returncode == 37
    assert cli.run("connect", "demo", "--", "true").returncode == 0


def test_stdout_and_stderr_stay_apart(cli: Cli) -> None:
    done = cli.run("connect", "demo", "-q", "--", "sh", "-c", "echo out; echo err >&2")
    assert (done.stdout, done.stderr) == (b"out\n", b"err\n")


def test_the_pod_is_named_on_stderr_unless_quiet(cli: Cli) -> None:
    assert cli.run("connect", "demo", "--", "true").stderr == b"connecting to pod team/demo-agent-0\n"
    assert cli.run("connect", "demo", "--quiet", "--", "true").stderr == b""


def test_words_arrive_as_they_are(cli: Cli) -> None:
    done = cli.run("connect", "demo", "--", "printf", "[%s]", "a b", "--json", "$HOME", "ü&=?", "")
    assert done.stdout.decode() == "[a b][--json][$HOME][ü&=?][]"


def test_the_end_of_input_reaches_the_command(cli: Cli) -> None:
    assert cli.run("connect", "demo", "--", "wc", "-c", input=b"12345").stdout.strip() == b"5"
    assert cli.run("connect", "demo", "--", "cat").stdout == b""


def test_ten_mebibytes_of_utf8_come_back_intact_with_bounded_memory(cli: Cli, tmp_path: Path) -> None:
    letters = random.Random(4).choices("aß€😀\r\n\0", k=400_000)
    text = "".join(letters).encode()
    data = (text * (10 * 2**20 // len(text) + 1))[: 10 * 2**20]
    source, copy = tmp_path / "in", tmp_path / "out"
    source.write_bytes(data)
    with source.open("rb") as given, copy.open("wb") as taken:
        process = cli.popen("connect", "demo", "-q", "--", "cat", stdin=given, stdout=taken)
        most = peak_memory(process)
    assert process.returncode == 0
    assert copy.read_bytes() == data
    assert most < 100 * 2**20  # the start needs about 55 MiB of it


def peak_memory(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end; return the peak resident set in bytes (``ru_maxrss`` would count the parent's)."""
    most = 0
    while process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        most = max([most, *(int(kib) * 1024 for kib in re.findall(r"VmHWM:\s+(\d+)", status))])
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.01)
    return most


def test_input_that_the_command_does_not_want_is_no_error(cli: Cli) -> None:
    done = cli.run("connect", "demo", "--", "sh", "-c", "head -c 5; exit 3", input=b"x" * 5_000_000)
    assert (done.returncode, done.stdout) == (3, b"xxxxx")


def test_a_slow_reader_loses_nothing(cli: Cli) -> None:
    process = cli.popen("connect", "demo", "-q", "--", "seq", "300000", stdout=subprocess.PIPE)
    assert process.stdout is not None
    first = process.stdout.read(100)
    rest = process.stdout.read()
    process.stdout.close()
    assert process.wait(30) == 0
    assert (first + rest).splitlines()[-1] == b"300000"


def test_a_reader_that_leaves_ends_the_command(cli: Cli) -> None:
    process = cli.popen("connect", "demo", "-q", "--", "yes", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.read(2) == b"y\n"
    process.stdout.close()
    assert process.wait(30) == 141
    assert process.stderr is not None
    assert process.stderr.read() == b""
    process.stderr.close()


def test_v4_says_that_it_cannot_end_the_input(cli: Cli, server: ApiServer) -> None:
    server.protocols = ("v4.channel.k8s.io",)
    done = cli.run("connect", "demo", "--", "head", "-n1", input=b"one\ntwo\n")
    assert (done.returncode, done.stdout) == (0, b"one\n")
    assert cli.run("connect", "demo", "--", "sh", "-c", "exit 5").returncode == 5
    process = cli.popen("connect", "demo", "-q", "--", "cat", stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None
    assert process.stderr is not None
    process.stdin.close()
    assert b"can't pass on the end of input" in process.stderr.readline()
    process.terminate()
    assert process.wait(30) == 143
    process.stderr.close()


def test_a_program_that_is_not_there(cli: Cli) -> None:
    done = cli.run("connect", "demo", "--", "nosuch")
    assert done.returncode == 6
    assert b'There is no program "nosuch" in pod demo-agent-0' in done.stderr


def test_another_pod_of_the_workspace_can_be_chosen(cli: Cli, server: ApiServer) -> None:
    server.pods["team", "demo-agent-1"] = pod("demo-agent-1")
    server.pods["team", "foreign"] = pod("foreign", "other")
    assert cli.run("connect", "demo", "--pod", "demo-agent-1", "--", "true").returncode == 0
    assert server.execs()[-1].endswith("/demo-agent-1/exec")
    refused = cli.run("connect", "demo", "--pod", "foreign", "--", "true")
    assert refused.returncode == 6
    assert b"demo-agent-0, demo-agent-1" in refused.stderr


def test_activity_is_noted_from_the_start(cli: Cli, server: ApiServer) -> None:
    cli.run("connect", "demo", "--", "true")
    assert "dspy.dev/last-activity" in server.workspaces["team", "demo"]["metadata"]["annotations"]
    assert server.workspaces["team", "demo"]["metadata"]["generation"] == 1


def test_forbidden_activity_is_told_once_and_the_command_runs(cli: Cli, server: ApiServer) -> None:
    message = 'User "u" cannot patch resource "agentworkspaces" in API group "dspy.dev"'
    server.fail("PATCH", "agentworkspaces", 403, "Forbidden", message)
    done = cli.run("connect", "demo", "--", "sh", "-c", "sleep 0.3; echo done")
    assert (done.returncode, done.stdout) == (0, b"done\n")
    assert done.stderr.count(b"warning") == 1
    assert b"`patch`" in done.stderr


def test_a_lost_connection_is_an_error_of_its_own_and_nothing_runs_twice(
    cli: Cli, server: ApiServer, tmp_path: Path
) -> None:
    mark = tmp_path / "runs"
    process = cli.popen(
        "connect",
        "demo",
        "-q",
        "--",
        "sh",
        "-c",
        f"echo run >> {mark}; echo started; sleep 60",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"started\n"
    server.cut()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 255
    assert b"connection to pod demo-agent-0 was lost" in err
    assert mark.read_text() == "run\n"


@pytest.mark.parametrize("signum", [2, 15, 1])
def test_a_signal_ends_it_with_the_shells_code(cli: Cli, signum: int) -> None:
    process = cli.popen(
        "connect", "demo", "-q", "--", "sh", "-c", "echo up; sleep 60", stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"up\n"
    process.send_signal(signum)
    assert process.wait(30) == 128 + signum
    process.stdout.close()
