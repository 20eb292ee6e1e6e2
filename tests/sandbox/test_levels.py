"""Which sandbox is taken, and what is said where there is none."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dspy_agent.sandbox import levels
from dspy_agent.sandbox.environment import scrubbed
from dspy_agent.sandbox.run import run_sandboxed
from dspy_agent.sandbox.supervise import Output
from dspy_agent_core.errors import MissingRequirement, WorkspaceError

POD = {
    "Uid": "10001\t10001\t10001\t10001",
    "CapEff": "0000000000000000",
    "CapBnd": "0000000000000000",
    "NoNewPrivs": "1",
}


@pytest.fixture
def read_only_root(monkeypatch: pytest.MonkeyPatch) -> None:
    class Found:
        f_flag = os.ST_RDONLY

    monkeypatch.setattr(os, "statvfs", lambda path: Found)


@pytest.mark.usefixtures("read_only_root")
def test_a_pod_as_ours_is_known_by_what_holds_there() -> None:
    cluster = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}
    assert levels.is_restricted_pod(POD, cluster)
    assert not levels.is_restricted_pod(POD, {})
    assert not levels.is_restricted_pod({}, cluster)
    for name, other in (("Uid", "0\t0"), ("CapEff", "1"), ("CapBnd", "a80425fb"), ("NoNewPrivs", "0")):
        assert not levels.is_restricted_pod({**POD, name: other}, cluster)


def test_a_writable_root_is_no_restricted_pod() -> None:
    assert not levels.is_restricted_pod(POD, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}) or (
        os.statvfs("/").f_flag & os.ST_RDONLY
    )


def test_without_any_nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(levels, "works", lambda how: False)
    with pytest.raises(MissingRequirement) as told:
        run_sandboxed(["touch", "x"], workspace=tmp_path, cwd=tmp_path, seconds=20, writable=[tmp_path])
    assert told.value.code == "NoSandbox"
    assert "DSPY_AGENT_SANDBOX=off" in told.value.next
    assert list(tmp_path.iterdir()) == []


def test_who_trusts_the_workspace_can_switch_it_off(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(levels, "works", lambda how: False)
    monkeypatch.setenv("DSPY_AGENT_SANDBOX", "off")
    monkeypatch.setenv("MY_KEY", "secret")
    ran = run_sandboxed(
        ["sh", "-c", "env; (setsid sleep 60 &)"], workspace=tmp_path, cwd=tmp_path, seconds=20
    )
    assert (ran.how, ran.code) == ("none", 0)
    assert "secret" not in ran.output


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError):
        run_sandboxed(["true"], workspace=tmp_path, cwd=tmp_path / "no", seconds=20)


def test_the_environment_is_an_allow_list() -> None:
    given = {
        "PATH": "/bin",
        "LC_ALL": "C",
        "DSPY_AGENT_X": "1",
        "LD_PRELOAD": "x",
        "HOME": "/nowhere",
        "TMPDIR": "/t",
    }
    found = scrubbed(given, "/private", {"EXTRA": "1"})
    assert found["PATH"] == "/bin"
    assert found["LC_ALL"] == "C"
    assert found["EXTRA"] == "1"
    assert found["HOME"] == "/private/home"
    assert found["TMPDIR"] == "/private"
    assert not {"DSPY_AGENT_X", "LD_PRELOAD"} & found.keys()


@pytest.mark.parametrize("limit", [0, 1, 2, 7, 100])
@pytest.mark.parametrize("pieces", [[], [b"abc"], [b"a"] * 50, [b"x" * 500_000, b"end"]])
def test_output_is_cut_in_the_middle(limit: int, pieces: list[bytes]) -> None:
    output = Output(limit)
    for piece in pieces:
        output.add(piece)
    whole = b"".join(pieces).decode()
    assert output.cut == (len(whole) > limit)
    if not output.cut:
        assert output.text() == whole
        return
    first, _, last = output.text().partition("\n… [")
    assert whole.startswith(first)
    assert whole.endswith(last.partition("] …\n")[2])
    assert len(first) + len(last.partition("] …\n")[2]) == limit
