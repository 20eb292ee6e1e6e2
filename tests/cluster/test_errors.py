"""What is said, in plain words and with the next step, when the cluster can't or won't."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import Cli, kubeconfig_of, pod, workspace


def said(cli: Cli, *words: str, **env: str) -> str:
    done = cli.run(*words, input=None, **env)
    text = done.stderr.decode()
    assert done.returncode == 6, text
    assert "error: " in text
    assert "  next: " in text
    assert "Traceback" not in text
    return text


def test_no_such_workspace_names_near_ones(cli: Cli) -> None:
    text = said(cli, "connect", "demmo", "--", "true")
    assert 'no workspace "demmo" in namespace "team"' in text
    assert "Did you mean demo?" in text


def test_a_namesake_elsewhere_is_pointed_out(cli: Cli, server: ApiServer) -> None:
    server.workspaces["default", "only"] = workspace("only", "default")
    assert "add `-n default`" in said(cli, "connect", "only")


def test_no_such_namespace(cli: Cli) -> None:
    assert 'no namespace "nowhere"' in said(cli, "connect", "demo", "-n", "nowhere")
    assert 'no namespace "nowhere"' in said(cli, "workspaces", "-n", "nowhere")


def test_forbidden_names_verb_and_resource(cli: Cli, server: ApiServer) -> None:
    message = 'agentworkspaces.dspy.dev "demo" is forbidden: User "u" cannot get resource "agentworkspaces"'
    server.fail("GET", "agentworkspaces/demo$", 403, "Forbidden", message)
    text = said(cli, "connect", "demo")
    assert 'You may not get agentworkspaces.dspy.dev in namespace "team".' in text
    assert "the verb `get` on `agentworkspaces.dspy.dev`" in text


def test_forbidden_exec(cli: Cli, server: ApiServer) -> None:
    message = 'pods "demo-agent-0" is forbidden: User "u" cannot create resource "pods/exec" in API group ""'
    server.fail("GET", "/exec$", 403, "Forbidden", message)
    assert "You may not create pods/exec" in said(cli, "connect", "demo")


def test_forbidden_to_resume(cli: Cli, server: ApiServer) -> None:
    server.workspaces["team", "demo"]["spec"]["operatingMode"] = "Suspended"
    server.fail("PATCH", "agentworkspaces", 403, "Forbidden", "no")
    assert "You may not patch agentworkspaces.dspy.dev" in said(cli, "connect", "demo")


def test_not_installed(cli: Cli, server: ApiServer) -> None:
    server.crds = False
    for words in (["connect", "demo"], ["workspaces"], ["suspend", "demo"]):
        assert "helm install" in said(cli, *words)


def test_wrong_credentials(cli: Cli, server: ApiServer) -> None:
    server.fail("GET", "/", 401, "Unauthorized", "Unauthorized")
    assert "does not accept your credentials" in said(cli, "connect", "demo")


def test_a_server_in_trouble_is_asked_again(cli: Cli, server: ApiServer) -> None:
    server.fail(
        "GET", "agentworkspaces", 429, "TooManyRequests", "slow down", times=1, headers={"Retry-After": "0"}
    )
    server.fail("GET", "agentworkspaces", 500, "InternalError", "etcdserver: leader changed", times=1)
    assert cli.run("connect", "demo", "--", "true").returncode == 0


def test_a_server_that_stays_in_trouble(cli: Cli, server: ApiServer) -> None:
    server.fail("GET", "/exec$", 500, "InternalError", "error dialing backend: connection refused")
    assert "error dialing backend: connection refused (HTTP 500)" in said(cli, "connect", "demo")


def test_a_container_that_is_not_there_or_not_up(cli: Cli, server: ApiServer) -> None:
    server.fail(
        "GET", "/exec$", 400, "BadRequest", "container agent is not valid for pod demo-agent-0", times=1
    )
    assert "has no such container" in said(cli, "connect", "demo", "--pod", "demo-agent-0")
    server.fail("GET", "/exec$", 500, "InternalError", 'container not found ("agent")', times=1)
    assert "is not running" in said(cli, "connect", "demo", "--pod", "demo-agent-0")


def test_nobody_listens(cli: Cli, kubeconfig: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        kubeconfig.write_text(json.dumps(kubeconfig_of(url)))
        assert f"{url} can't be reached: Connection refused" in said(cli, "connect", "demo")


def test_an_unknown_host(cli: Cli, kubeconfig: Path) -> None:
    kubeconfig.write_text(json.dumps(kubeconfig_of("https://no-such-host.invalid:6443")))
    assert "https://no-such-host.invalid:6443 can't be reached" in said(cli, "workspaces")


def test_a_certificate_of_someone_else(cli: Cli, kubeconfig: Path, tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-nodes", "-subj", "/CN=x", "-keyout", "k", "-out", "c"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "c", tmp_path / "k")
    secure = ApiServer()
    secure.workspaces["team", "demo"], secure.pods["team", "demo-agent-0"] = workspace(), pod()
    secure.start(context)
    try:
        config = kubeconfig_of(secure.url)
        kubeconfig.write_text(json.dumps(config))
        assert "can't be trusted" in said(cli, "connect", "demo")
        config["clusters"][0]["cluster"]["insecure-skip-tls-verify"] = True
        kubeconfig.write_text(json.dumps(config))
        data = b"x" * 300_000  # more than one TLS record, both ways
        assert cli.run("connect", "demo", "--", "cat", input=data).stdout == data
    finally:
        secure.stop()


def test_no_kubeconfig(cli: Cli, tmp_path: Path) -> None:
    assert "There is no kubeconfig at" in said(cli, "connect", "demo", KUBECONFIG="")
    missing = str(tmp_path / "missing")
    assert f"{missing} can't be used: No such file" in said(cli, "workspaces", "--kubeconfig", missing)


def test_errors_as_json(cli: Cli) -> None:
    done = cli.run("suspend", "demmo", "--json")
    assert done.returncode == 6
    assert json.loads(done.stdout)["error"]["code"] == "WorkspaceNotFound"


@pytest.mark.parametrize("words", [["connect"], ["connect", "demo", "--timeout", "x"], ["logs"]])
def test_wrong_words_are_a_usage_error(cli: Cli, words: list[str]) -> None:
    assert cli.run(*words).returncode == 2
