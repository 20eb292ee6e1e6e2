"""The source program against real git and a real HTTP server."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.incluster.git import endpoint, scrub
from dspy_agent.incluster.source import Source, place
from dspy_agent.incluster.termination import Failed

from .conftest import git

Serve = Callable[..., str]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "volume" / "source"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    return tmp_path / "secret"


def failure(source: Source, target: Path, secret: Path) -> Failed:
    with pytest.raises(Failed) as caught:
        place(source, target, secret)
    return caught.value


@pytest.mark.parametrize(
    ("ref", "content", "branch"),
    [("", "2", "main"), ("main", "2", "main"), ("v1", "1", "HEAD"), ("feature", "'feature'", "feature")],
)
def test_default_branch_tag_and_branch(
    served: Serve, target: Path, secret: Path, ref: str, content: str, branch: str
) -> None:
    place(Source("git", served(), ref), target, secret)
    assert (target / "app.py").read_text() == f"VERSION = {content}\n"
    assert git("rev-parse", "--abbrev-ref", "HEAD", cwd=target) == branch
    assert git("status", "--porcelain", cwd=target) == ""


def test_a_commit_is_a_ref_too(served: Serve, upstream: Path, target: Path, secret: Path) -> None:
    commit = git("rev-parse", "v1", cwd=upstream)
    place(Source("git", served(), commit), target, secret)
    assert git("rev-parse", "HEAD", cwd=target) == commit


def test_a_second_start_needs_no_network_and_keeps_changes(served: Serve, target: Path, secret: Path) -> None:
    url = served()
    place(Source("git", url, "main"), target, secret)
    (target / "app.py").write_text("mine\n")
    shutil.rmtree(target.parents[1] / "served")
    place(Source("git", url, "main"), target, secret)
    assert (target / "app.py").read_text() == "mine\n"


def test_another_ref_is_checked_out_in_a_clean_tree(served: Serve, target: Path, secret: Path) -> None:
    url = served()
    for ref, content in (("main", "2"), ("v1", "1"), ("feature", "'feature'"), ("main", "2")):
        place(Source("git", url, ref), target, secret)
        assert (target / "app.py").read_text() == f"VERSION = {content}\n"


def test_local_changes_outlive_another_ref(served: Serve, target: Path, secret: Path) -> None:
    url = served()
    place(Source("git", url, "main"), target, secret)
    (target / "app.py").write_text("mine\n")
    place(Source("git", url, "v1"), target, secret)
    assert (target / "app.py").read_text() == "mine\n"


@pytest.mark.parametrize("start", ["main", "v1"])
def test_local_commits_outlive_another_ref(served: Serve, target: Path, secret: Path, start: str) -> None:
    url = served()
    place(Source("git", url, start), target, secret)
    (target / "app.py").write_text("mine\n")
    git("commit", "-qam", "mine", cwd=target)
    mine = git("rev-parse", "HEAD", cwd=target)
    place(Source("git", url, "feature"), target, secret)
    assert (target / "app.py").read_text() == "VERSION = 'feature'\n"
    assert git("branch", "--contains", mine, "--format=%(refname:short)", cwd=target)
    if start == "main":
        place(Source("git", url, "main"), target, secret)
        assert git("rev-parse", "HEAD", cwd=target) == mine


def test_another_url_replaces_an_untouched_clone(served: Serve, target: Path, secret: Path) -> None:
    place(Source("git", served("a.git"), "main"), target, secret)
    place(Source("git", served("b.git"), "v1"), target, secret)
    assert (target / "app.py").read_text() == "VERSION = 1\n"
    assert [p.name for p in target.parent.iterdir()] == ["source"]


def test_another_url_moves_a_changed_clone_aside(served: Serve, target: Path, secret: Path) -> None:
    place(Source("git", served("a.git"), "main"), target, secret)
    (target / "new.txt").write_text("mine\n")
    place(Source("git", served("b.git"), "v1"), target, secret)
    assert (target.parent / "source.before-1" / "new.txt").read_text() == "mine\n"


def test_a_secret_that_is_not_there_is_told(served: Serve, target: Path, secret: Path) -> None:
    # The kubelet mounts an optional Secret that is missing as its own empty folder.
    (secret / "..2026_01_01").mkdir(parents=True)
    (secret / "..data").symlink_to("..2026_01_01")
    failed = failure(Source("git", served(), "main", secret_name="token"), target, secret)
    assert failed.termination.reason == "AuthenticationFailed"
    assert "'token' is not there" in failed.termination.message


def test_a_bad_url_leaves_the_former_clone(served: Serve, target: Path, secret: Path) -> None:
    url = served()
    place(Source("git", url, "main"), target, secret)
    failed = failure(Source("git", url.replace("app", "other"), "main"), target, secret)
    assert failed.termination.reason == "RepositoryNotFound"
    assert (target / "app.py").read_text() == "VERSION = 2\n"
    assert [p.name for p in target.parent.iterdir()] == ["source"]


def test_unknown_ref_names_near_ones_and_leaves_nothing(served: Serve, target: Path, secret: Path) -> None:
    failed = failure(Source("git", served(), "featrue"), target, secret)
    assert failed.termination.reason == "RefNotFound"
    assert "feature" in failed.termination.message
    assert list(target.parent.iterdir()) == []


def test_password_from_a_secret(served: Serve, target: Path, secret: Path) -> None:
    url = served(login="ann:s3cret word")
    secret.mkdir()
    (secret / "username").write_text("ann")
    (secret / "password").write_text("s3cret word")
    place(Source("git", url, "", "login"), target, secret)
    assert (target / "app.py").exists()
    assert "s3cret" not in (target / ".git" / "config").read_text()


@pytest.mark.parametrize("password", [None, "wrong"])
def test_refused_credentials_name_the_secret(
    served: Serve, target: Path, secret: Path, password: str | None
) -> None:
    url = served(login="ann:right")
    if password:
        secret.mkdir()
        (secret / "username").write_text("ann")
        (secret / "password").write_text(password)
    failed = failure(Source("git", url, "", "login" if password else ""), target, secret)
    assert failed.termination.reason == "AuthenticationFailed"
    assert ("'login'" if password else "secretRef") in failed.termination.message
    assert "wrong" not in failed.termination.message


def test_a_secret_that_is_not_there(served: Serve, target: Path, secret: Path) -> None:
    failed = failure(Source("git", served(), "", "login"), target, secret)
    assert failed.termination.reason == "AuthenticationFailed"
    assert "'login' is not there" in failed.termination.message


def test_no_server(target: Path, secret: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://user:pw@127.0.0.1:{free.getsockname()[1]}/x.git"
        failed = failure(Source("git", url), target, secret)
    assert failed.termination.reason == "RepositoryUnreachable"
    assert "pw" not in failed.termination.message


@pytest.mark.parametrize(
    "url", ["ext::sh -c id", "file:///etc", "/etc", "-oProxyCommand=x", "", "https://", "ftp://a/b"]
)
def test_what_is_no_repository_url(url: str, target: Path, secret: Path) -> None:
    assert failure(Source("git", url), target, secret).termination.reason == "InvalidSource"


def test_leftovers_of_a_killed_clone_are_removed(served: Serve, target: Path, secret: Path) -> None:
    (target.parent / ".clone-dead" / ".git").mkdir(parents=True)
    place(Source("git", served()), target, secret)
    assert [p.name for p in target.parent.iterdir()] == ["source"]


def test_files_without_a_repository_are_kept_aside(served: Serve, target: Path, secret: Path) -> None:
    target.mkdir(parents=True)
    (target / "notes").write_text("mine")
    place(Source("git", served()), target, secret)
    assert (target.parent / "source.before-1" / "notes").read_text() == "mine"


@pytest.mark.parametrize("kind", ["empty", "pvc"])
def test_sources_without_git_only_need_a_writable_folder(kind: str, target: Path, secret: Path) -> None:
    place(Source(kind), target, secret)
    assert list(target.iterdir()) == []


def run_program(
    environment: dict[str, str], tmp_path: Path, *prefix: str
) -> tuple[int, dict[str, str] | None]:
    log = tmp_path / "termination-log"
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "dspy_agent.incluster.source"],
        env=os.environ
        | {"DSPY_TERMINATION_LOG": str(log), "HOME": str(tmp_path / "volume" / "home")}
        | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(log.read_text()) if log.exists() else None


def test_the_program_makes_the_folders_of_a_workspace(served: Serve, target: Path, tmp_path: Path) -> None:
    environment = {
        "DSPY_SOURCE_KIND": "git",
        "DSPY_SOURCE_URL": served(),
        "DSPY_AGENT_WORKSPACE": str(target),
        "DSPY_AGENT_LOGS": str(target.parent / "logs"),
    }
    assert run_program(environment, tmp_path) == (0, None)
    assert sorted(p.name for p in target.parent.iterdir()) == ["home", "logs", "source"]


def test_the_program_leaves_its_reason(served: Serve, target: Path, tmp_path: Path) -> None:
    environment = {
        "DSPY_SOURCE_KIND": "git",
        "DSPY_SOURCE_URL": served(),
        "DSPY_SOURCE_REF": "nope",
        "DSPY_AGENT_WORKSPACE": str(target),
        "DSPY_AGENT_LOGS": str(target.parent / "logs"),
    }
    code, left = run_program(environment, tmp_path)
    assert code == 1
    assert left
    assert left["reason"] == "RefNotFound"


@pytest.mark.parametrize(
    ("mount", "reason", "step"),
    [
        ("-o size=16k", "DiskFull", "spec.storage.size"),
        ("-o ro", "ReadOnlyFilesystem", "check the workspace's volume"),
    ],
)
def test_a_full_or_read_only_disk(
    served: Serve, upstream: Path, tmp_path: Path, mount: str, reason: str, step: str
) -> None:
    if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to make a mount namespace")
    (upstream / "big").write_bytes(os.urandom(100_000))
    git("add", ".", cwd=upstream)
    git("commit", "-qm", "big", cwd=upstream)
    disk = tmp_path / "disk"
    disk.mkdir()
    script = f'mount -t tmpfs {mount} tmpfs {disk} && exec "$@"'
    environment = {
        "DSPY_SOURCE_KIND": "git",
        "DSPY_SOURCE_URL": served(),
        "DSPY_AGENT_WORKSPACE": str(disk / "source"),
        "DSPY_AGENT_LOGS": str(disk / "logs"),
    }
    code, left = run_program(environment, tmp_path, "unshare", "-m", "sh", "-c", script, "sh")
    assert code == 1
    assert left
    assert left["reason"] == reason
    assert step in left["message"]


@given(st.text(max_size=80))
def test_endpoint_refuses_or_answers(url: str) -> None:
    with contextlib.suppress(Failed):
        host, port = endpoint(url)
        assert host
        assert 0 <= port < 65536


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://example.org/a.git", ("example.org", 443)),
        ("http://git.ns.svc:8080/a", ("git.ns.svc", 8080)),
        ("ssh://git@example.org/a", ("example.org", 22)),
        ("git@example.org:a/b.git", ("example.org", 22)),
    ],
)
def test_endpoint(url: str, expected: tuple[str, int]) -> None:
    assert endpoint(url) == expected


def test_scrub_takes_credentials_out() -> None:
    assert scrub("fatal: https://ann:pw@host/x and ssh://git@h/y") == "fatal: https://host/x and ssh://h/y"
