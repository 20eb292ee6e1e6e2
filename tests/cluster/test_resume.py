"""A workspace that is not ready: resumed, waited for with progress, or given up with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import Cli, make_ready, workspace


def set_condition(
    server: ApiServer, reason: str, message: str = "", *, generation: int | None = None
) -> None:
    found = server.workspaces["team", "demo"]
    found["status"]["conditions"] = [
        {
            "type": "AgentReady",
            "status": "False",
            "reason": reason,
            "message": message,
            "observedGeneration": found["metadata"]["generation"] if generation is None else generation,
        }
    ]


def wakes(server: ApiServer, change: dict[str, Any]) -> None:
    """Do what the operator does with a workspace that was resumed."""
    make_ready(server)


def test_a_suspended_workspace_is_resumed(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"] = workspace(mode="Suspended", ready=False, reason="Suspended")
    server.on_patch = wakes
    done = cli.run("connect", "demo", "--", "echo", "here")
    assert (done.returncode, done.stdout) == (0, b"here\n")
    assert b"workspace demo is suspended; resuming it" in done.stderr
    assert server.patches()[0]["spec"] == {"operatingMode": "Running"}


def test_an_idle_workspace_is_woken_by_activity_alone(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"] = workspace(ready=False, reason="Suspended", suspended="IdleTimeout")
    server.on_patch = wakes
    done = cli.run("connect", "demo", "--", "echo", "here")
    assert (done.returncode, done.stdout) == (0, b"here\n")
    assert b"suspended (IdleTimeout)" in done.stderr
    assert all("spec" not in change for change in server.patches())


def test_a_passed_shutdown_time_is_not_fought(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"] = workspace(ready=False, suspended="ShutdownTime")
    done = cli.run("connect", "demo", "--", "true")
    assert done.returncode == 6
    assert b"spec.lifecycle.shutdownTime" in done.stderr
    assert server.patches() == []


def test_readiness_for_an_older_spec_does_not_count(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"]["metadata"]["generation"] = 2
    done = cli.run("connect", "demo", "--timeout", "1", "--", "true")
    assert done.returncode == 6
    assert b"is not ready after 1 s" in done.stderr
    assert server.execs() == []


def test_progress_is_told_by_reason_and_the_end_names_the_condition(cli: Cli, server: ApiServer) -> None:
    set_condition(server, "CloningSource", "git fetch runs")
    done = cli.run("connect", "demo", "--timeout", "1", "--", "true")
    assert done.returncode == 6
    assert done.stderr.count(b"waiting for demo: AgentReady: CloningSource, git fetch runs\n") == 1
    assert b"AgentReady is False (CloningSource): git fetch runs" in done.stderr


@pytest.mark.parametrize("reason", ["ImagePullFailed", "RefNotFound", "AuthenticationFailed"])
def test_a_final_reason_ends_the_wait_at_once(cli: Cli, server: ApiServer, reason: str) -> None:
    set_condition(server, reason, "the reference main2 does not exist")
    done = cli.run("connect", "demo", "--", "true")
    assert done.returncode == 6
    assert reason.encode() in done.stderr
    assert b"the reference main2 does not exist" in done.stderr
    assert b"waiting" not in done.stderr


def test_a_final_reason_of_an_older_spec_is_waited_out(cli: Cli, server: ApiServer) -> None:
    set_condition(server, "RefNotFound", generation=0)
    done = cli.run("connect", "demo", "--timeout", "1", "--", "true")
    assert b"waiting for demo: AgentReady: Pending" in done.stderr
    assert b"not ready after 1 s" in done.stderr


def test_a_pod_that_was_just_replaced_is_waited_for(cli: Cli, server: ApiServer) -> None:
    server.fail("GET", "/exec$", 404, "NotFound", 'pods "demo-agent-0" not found', times=1)
    done = cli.run("connect", "demo", "--", "echo", "there")
    assert (done.returncode, done.stdout) == (0, b"there\n")


def test_a_container_that_is_not_up_yet_is_waited_for(cli: Cli, server: ApiServer) -> None:
    server.refusals = ['unable to upgrade connection: container not found ("agent")'] * 2
    done = cli.run("connect", "demo", "--", "cat", input=b"kept\n" * 10_000)
    assert (done.returncode, done.stdout) == (0, b"kept\n" * 10_000)
    server.refusals = ["the node is on fire"]
    done = cli.run("connect", "demo", "--", "echo", "there")
    assert (done.returncode, done.stdout) == (6, b"")
    assert b"refused to run the command: the node is on fire" in done.stderr


def test_suspend_and_resume(cli: Cli, server: ApiServer) -> None:
    assert cli.run("suspend", "demo").stdout == b"workspace demo is being suspended\n"
    assert server.workspaces["team", "demo"]["spec"]["operatingMode"] == "Suspended"
    assert cli.run("suspend", "demo").stdout == b"workspace demo was already suspended\n"
    assert len(server.patches()) == 1
    assert b"is being resumed" in cli.run("resume", "demo", "--json").stdout
    assert server.workspaces["team", "demo"]["spec"]["operatingMode"] == "Running"
    late = cli.run("resume", "demo", "--wait", "--timeout", "1")
    assert late.returncode == 6
    make_ready(server)
    assert cli.run("resume", "demo", "--wait").stdout == b"workspace demo is ready\n"
