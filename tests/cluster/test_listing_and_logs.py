"""``workspaces`` and ``logs``."""

from __future__ import annotations

import json
import signal
import subprocess

from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import Cli, workspace


def test_the_table_is_the_api_servers(cli: Cli, server: ApiServer) -> None:
    server.workspaces["default", "a-longer-name"] = workspace("a-longer-name", "default")
    assert cli.run("workspaces").stdout.decode() == "NAME   READY\ndemo   True\n"
    lines = cli.run("workspaces", "-A").stdout.decode().splitlines()
    assert [line.split() for line in lines] == [
        ["NAMESPACE", "NAME", "READY"],
        ["team", "demo", "True"],
        ["default", "a-longer-name", "True"],
    ]


def test_the_same_as_json(cli: Cli) -> None:
    found = json.loads(cli.run("workspaces", "--json").stdout)["workspaces"]
    assert [(entry["namespace"], entry["name"], entry["mode"]) for entry in found] == [
        ("team", "demo", "Running")
    ]


def test_none_is_said(cli: Cli) -> None:
    done = cli.run("workspaces", "-n", "default")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"No workspaces in namespace default." in done.stderr
    assert json.loads(cli.run("workspaces", "-n", "default", "--json").stdout) == {"workspaces": []}


def test_logs_are_the_containers_bytes(cli: Cli, server: ApiServer) -> None:
    server.logs = {"agent": b"one\ntwo \xff\nthree\n", "source": b"cloned\n"}
    assert cli.run("logs", "demo").stdout == server.logs["agent"]
    assert cli.run("logs", "demo", "--tail", "1").stdout == b"three\n"
    assert cli.run("logs", "demo", "-c", "source").stdout == b"cloned\n"
    shown = json.loads(cli.run("logs", "demo", "--json").stdout)
    assert shown == {"pod": "demo-agent-0", "container": "agent", "lines": ["one", "two �", "three"]}


def test_logs_of_a_wrong_container(cli: Cli) -> None:
    done = cli.run("logs", "demo", "-c", "nosuch")
    assert done.returncode == 6
    assert b"container nosuch is not valid" in done.stderr


def test_logs_follow_until_ctrl_c(cli: Cli, server: ApiServer) -> None:
    server.logs = {"agent": b"first\n"}
    process = cli.popen("logs", "demo", "-f", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"first\n"
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr == b""


def test_logs_of_a_suspended_workspace(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"] = workspace(mode="Suspended", ready=False)
    server.pods.clear()
    done = cli.run("logs", "demo")
    assert done.returncode == 6
    assert b"suspended (OperatingMode)" in done.stderr
