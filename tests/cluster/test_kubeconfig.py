"""Which cluster, namespace and credentials: kubectl's rules."""

from __future__ import annotations

import base64
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.cluster.credentials import Credentials
from dspy_agent.cluster.kubeconfig import Access, load_access
from dspy_agent_core.errors import ClusterError
from tests.cluster.api_server import ApiServer
from tests.cluster.conftest import Cli, kubeconfig_of


def write(path: Path, **changes: Any) -> Path:
    path.write_text(json.dumps({**kubeconfig_of("https://main:1"), **changes}))
    return path


def test_the_context_gives_server_and_namespace(tmp_path: Path) -> None:
    access = load_access(write(tmp_path / "c"))
    assert (access.server, access.namespace, access.context) == ("https://main:1", "team", "main")
    assert load_access(tmp_path / "c", namespace="other").namespace == "other"


def test_a_context_without_a_namespace_means_default(tmp_path: Path) -> None:
    contexts = [{"name": "main", "context": {"cluster": "c", "user": "u"}}]
    assert load_access(write(tmp_path / "c", contexts=contexts)).namespace == "default"


def test_of_a_list_of_files_the_first_to_say_something_wins(tmp_path: Path) -> None:
    first = write(tmp_path / "a", **{"current-context": "", "contexts": [], "users": []})
    second = kubeconfig_of("https://second:1", token="two")
    second["contexts"].append({"name": "more", "context": {"cluster": "c", "user": "u"}})
    (tmp_path / "b").write_text(json.dumps(second))
    environ = {"KUBECONFIG": os.pathsep.join(["", str(tmp_path / "absent"), str(first), str(tmp_path / "b")])}
    access = load_access(environ=environ)
    assert (access.server, access.context, access.user) == ("https://main:1", "main", {"token": "two"})
    assert load_access(context="more", environ=environ).namespace == "default"


def test_the_home_folders_file_is_the_default(tmp_path: Path) -> None:
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config")
    assert load_access(environ={"HOME": str(tmp_path)}).context == "main"


def test_paths_are_relative_to_their_file(tmp_path: Path) -> None:
    users = [{"name": "u", "user": {"tokenFile": "token", "exec": {"command": "./plugin"}}}]
    access = load_access(write(tmp_path / "c", users=users))
    assert access.user["tokenFile"] == str(tmp_path / "token")
    assert access.user["exec"]["command"] == str(tmp_path / "plugin")


def test_a_pod_without_kubeconfig_uses_its_service_account(tmp_path: Path) -> None:
    for name, text in (("token", "t\n"), ("namespace", "mine\n"), ("ca.crt", "")):
        (tmp_path / name).write_text(text)
    environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    access = load_access(environ=environ, service_account=tmp_path)
    assert (access.server, access.namespace) == ("https://[fd00::1]:443", "mine")
    assert Credentials(access, tmp_path).headers() == {"authorization": "Bearer t"}


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "InvalidKubeconfig"),
        ("[]", "InvalidKubeconfig"),
        ("clusters: {}", "NoCurrentContext"),
        ("clusters: {a: b}", "InvalidKubeconfig"),
        ("", "NoCurrentContext"),
        ("current-context: gone", "ContextNotFound"),
        ("{current-context: a, contexts: [{name: a, context: {cluster: gone}}]}", "InvalidKubeconfig"),
        (
            "{current-context: a, contexts: [{name: a, context: {cluster: c}}], clusters: [{name: c}]}",
            "InvalidKubeconfig",
        ),
    ],
)
def test_a_file_that_cannot_be_used(tmp_path: Path, text: str, code: str) -> None:
    (tmp_path / "c").write_text(text)
    with pytest.raises(ClusterError) as caught:
        load_access(tmp_path / "c")
    assert caught.value.code == code


def test_a_wrong_context_names_those_there_are(cli: Cli) -> None:
    done = cli.run("workspaces", "--context", "mian")
    assert done.returncode == 6
    assert b"there are: main" in done.stderr


def credentials(tmp_path: Path, **user: Any) -> Credentials:
    return Credentials(Access("https://x", "team", "main", {}, user), tmp_path)


def test_token_and_password(tmp_path: Path) -> None:
    assert credentials(tmp_path, token="t").headers() == {"authorization": "Bearer t"}
    basic = base64.b64encode(b"me:pw").decode()
    assert credentials(tmp_path, username="me", password="pw").headers() == {
        "authorization": f"Basic {basic}"
    }
    assert credentials(tmp_path).headers() == {}


def test_a_token_file_is_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("one")
    found = credentials(tmp_path, tokenFile=str(file))
    file.write_text("two\n")
    assert found.headers() == {"authorization": "Bearer two"}


def test_keys_in_the_file_become_private_files(tmp_path: Path) -> None:
    data = {
        f"client-{kind}-data": base64.b64encode(kind.encode()).decode() for kind in ("certificate", "key")
    }
    configuration = credentials(tmp_path, **data).configuration()
    assert Path(configuration.cert_file).read_text() == "certificate"
    assert Path(configuration.key_file).read_text() == "key"
    assert stat.S_IMODE(Path(configuration.key_file).stat().st_mode) == 0o600


def plugin(tmp_path: Path, script: str) -> dict[str, Any]:
    path = tmp_path / "plugin"
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(0o755)
    return {"command": str(path), "apiVersion": "client.authentication.k8s.io/v1"}


def test_a_credential_plugin_gives_the_token_and_is_asked_again(
    cli: Cli, server: ApiServer, kubeconfig: Path, tmp_path: Path
) -> None:
    answer = '{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"T"}}'
    found = plugin(tmp_path, f"echo run >> {tmp_path}/runs\necho '{answer}'\n")
    kubeconfig.write_text(json.dumps(kubeconfig_of(server.url, exec=found)))
    server.fail("GET", "agentworkspaces", 401, "Unauthorized", "expired", times=1)
    assert cli.run("workspaces").returncode == 0
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


@pytest.mark.parametrize(
    ("script", "words"), [("echo no login >&2; exit 3", "plugin failed"), ("echo nonsense", "plugin failed")]
)
def test_a_credential_plugin_that_fails(tmp_path: Path, script: str, words: str) -> None:
    with pytest.raises(ClusterError, match=words):
        credentials(tmp_path, exec=plugin(tmp_path, script))


def test_a_credential_plugin_that_is_not_installed(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="not installed") as caught:
        credentials(
            tmp_path,
            exec={"command": "no-such-plugin", "apiVersion": "v1", "installHint": "Get it at example.org."},
        )
    assert caught.value.next == "Get it at example.org."


def test_no_key_file_is_left_behind(cli: Cli, tmp_path: Path) -> None:
    folder = tmp_path / "tmp"
    folder.mkdir()
    assert cli.run("connect", "demo", "--", "true", TMPDIR=str(folder)).returncode == 0
    assert list(folder.iterdir()) == []
