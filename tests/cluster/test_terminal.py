"""``connect`` in a real pseudo-terminal: keys, sizes, and the terminal given back on every way out."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import make_ready

SHELL = ("connect", "demo", "--", "bash", "--norc", "--noprofile")


def test_a_session_types_and_ends_with_its_exit_code(terminals: Any) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    terminal.type(b"echo $((6*7)); test -t 0 && test -t 1 && test -t 2 && echo all-ttys\r")
    terminal.expect(rb"[\r\n]42\r\n")
    terminal.expect(rb"all-ttys\r\n")
    terminal.type(b"exit 9\r")
    assert terminal.wait() == 9
    assert terminal.restored()


def test_ctrl_c_interrupts_the_remote_program_only(terminals: Any) -> None:
    terminal = terminals(*SHELL)
    terminal.wait_raw()
    terminal.type(b"sh -c 'echo run''ning; exec sleep 1000'\r")
    terminal.expect(rb"running\r\n")
    terminal.type(b"\x03")
    terminal.expect(rb"\^C")
    terminal.expect(rb"# ")
    terminal.type(b"echo still-$((1+1))\r")
    terminal.expect(rb"[\r\n]still-2\r\n")
    terminal.expect(rb"# ")  # readline is in charge of Ctrl-D again
    terminal.type(b"\x04")
    assert terminal.wait() == 0
    assert terminal.restored()


def test_ctrl_z_stops_the_remote_program_and_ctrl_d_ends_the_session(terminals: Any) -> None:
    terminal = terminals(*SHELL)
    terminal.wait_raw()
    terminal.type(b"sh -c 'echo run''ning; exec sleep 1000'\r")
    terminal.expect(rb"running\r\n")
    terminal.type(b"\x1a")
    terminal.expect(rb"Stopped")
    terminal.expect(rb"# ")
    # Bash counts a job as stopped until it hears of its end, which fg waits for.
    terminal.type(b"kill %1; fg; echo $((6*7))\r")
    terminal.expect(rb"[\r\n]42\r\n")
    terminal.expect(rb"# ")
    terminal.type(b"\x04")
    assert terminal.wait() == 0
    assert terminal.restored()


def test_the_size_is_that_of_the_terminal_and_follows_it(terminals: Any) -> None:
    terminal = terminals(*SHELL, columns=101, rows=31)
    terminal.wait_raw()
    terminal.type(b"trap 'echo now $(stty size)' WINCH; echo at $(stty size)\r")
    terminal.expect(rb"[\r\n]at 31 101\r\n")
    terminal.resize(77, 22)
    terminal.expect(rb"now 22 77\r\n")
    terminal.type(b"exit\r")
    terminal.wait()


def test_what_is_typed_ahead_arrives(terminals: Any) -> None:
    terminal = terminals(*SHELL)
    terminal.type(b"echo early-$((2+3))\r")
    terminal.expect(rb"early-5")
    terminal.type(b"exit\r")
    assert terminal.wait() == 0


def test_eight_bit_bytes_pass_a_terminal(terminals: Any) -> None:
    terminal = terminals(
        "connect", "demo", "--", "sh", "-c", "stty raw -echo; echo go; head -c 6 | od -An -tx1"
    )
    terminal.expect(rb"go")
    terminal.type("ü€\x7f".encode())
    terminal.expect(rb"c3 bc e2 82 ac 7f")
    assert terminal.wait() == 0


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_leaves_the_terminal_as_it_was(terminals: Any, signum: signal.Signals) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    terminal.process.send_signal(signum)
    assert terminal.wait() == 128 + signum
    assert terminal.restored()


def test_a_broken_command_leaves_the_terminal_as_it_was(terminals: Any, server: ApiServer) -> None:
    terminal = terminals(*SHELL)
    terminal.wait_raw()
    server.cut()
    assert terminal.wait() == 255
    assert terminal.restored()


def test_no_tty_can_be_asked_for(terminals: Any) -> None:
    terminal = terminals("connect", "demo", "--no-tty", "--", "sh", "-c", "test -t 1 || echo no tty")
    terminal.expect(rb"no tty\r\n")
    assert terminal.wait() == 0


def test_a_dropped_session_is_told_and_taken_up_again(terminals: Any, server: ApiServer) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    terminal.type(b"echo first-$$\r")
    first = terminal.expect(rb"[\r\n]first-(\d+)\r\n")[1]
    server.cut()
    terminal.expect(rb"connection to pod demo-agent-0 lost: ")
    terminal.expect(rb"a new session starts when it is back\r+\n")
    terminal.type(b"echo second-$$\r")
    assert terminal.expect(rb"[\r\n]second-(\d+)\r\n")[1] != first
    terminal.type(b"exit 4\r")
    assert terminal.wait() == 4
    assert terminal.restored()


def test_a_vanished_pod_is_waited_for(terminals: Any, server: ApiServer) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    condition = server.workspaces["team", "demo"]["status"]["conditions"][0]
    condition.update(status="False", reason="PodPending", message="the pod is being placed")
    del server.pods["team", "demo-agent-0"]
    server.cut()
    terminal.expect(rb"a new session starts when it is back")
    terminal.expect(rb"waiting for demo: AgentReady: PodPending, the pod is being placed\r+\n")
    assert not terminal.is_raw()  # so that Ctrl-C can give up
    make_ready(server)
    terminal.wait_raw()
    terminal.type(b"exit\r")
    assert terminal.wait() == 0


def test_a_killed_session_of_a_stopped_pod_is_a_lost_one(terminals: Any, server: ApiServer) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    server.pods["team", "demo-agent-0"]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    terminal.type(b"exit 137\r")
    terminal.expect(rb"the pod was stopped")
    del server.pods["team", "demo-agent-0"]["metadata"]["deletionTimestamp"]
    terminal.wait_raw()
    terminal.type(b"exit 137\r")
    assert terminal.wait() == 137  # the pod is there: the session itself was killed


def test_a_failing_cluster_is_tried_again_until_ctrl_c(terminals: Any, server: ApiServer) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    server.fail("GET", "agentworkspaces/demo$", 503, "ServiceUnavailable", "etcd is away")
    server.cut()
    terminal.expect(rb"etcd is away.*Trying again")
    terminal.type(b"\x03")
    assert terminal.wait() == 130
    assert terminal.restored()


def test_a_suspension_by_hand_is_respected(terminals: Any, server: ApiServer) -> None:
    terminal = terminals("connect", "demo")
    terminal.wait_raw()
    found = server.workspaces["team", "demo"]
    found["spec"]["operatingMode"], found["metadata"]["generation"] = "Suspended", 2
    server.cut()
    terminal.expect(rb"Workspace demo was suspended")
    assert terminal.wait() == 6
    assert not [change for change in server.patches() if "spec" in change]
