"""``dspy-agent edit``: the proposal, its JSON, exit codes, ``--apply`` and an interruption."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dspy_agent.checkpoints.store import Store
from dspy_agent.cli.main import run_command
from tests.edits.kit import FIXED, SHOP, make_shop, scripted, snapshot
from tests.support.fake_model import Answer, FakeModelServer

GOOD = SHOP.replace("whole - discount", "whole - whole * discount")


def command(server: FakeModelServer, workspace: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with server:
        return run_command(["edit", *words, "--workspace", str(workspace)])


def test_a_verified_proposal_lands_by_apply(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_shop(tmp_path / "w")
    code = command(scripted(FIXED), workspace, monkeypatch, "test_total", "fails", "--apply", "--json")
    said = json.loads(capsys.readouterr().out)
    assert code == 0
    assert (said["verified"], said["checkpoint"], said["next"]) == (True, 1, "dspy-agent undo")
    assert said["verification"].startswith("verified: tests: 1 failing → 0, 1 passing kept")
    assert said["located"][0]["symbol"] == "total"
    assert "+    return max(whole - whole * discount, 0)" in said["diff"]
    assert (workspace / "shop.py").read_text() == GOOD
    assert run_command(["undo", "--workspace", str(workspace)]) == 0
    assert (workspace / "shop.py").read_text() == SHOP


def test_what_is_not_verified_waits_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    before = snapshot(workspace)
    assert command(scripted(FIXED), workspace, monkeypatch, "fix", "-s", "total", "--apply") == 0
    said = capsys.readouterr()
    assert "not verified: tests: none were run" in said.out
    assert "next: dspy-agent edit --more" in said.out
    assert "Not applied" in said.err
    assert snapshot(workspace) == before
    pending = Store(workspace).pending()
    assert pending is not None
    assert pending.about["task"] == "fix"
    other = FIXED.replace("whole * discount", "discount * whole")
    assert command(scripted(other), workspace, monkeypatch, "--more", "--candidates", "1") == 0
    pending = Store(workspace).pending()
    assert pending is not None
    assert pending.about["seed"] == 1000


def test_without_a_usable_candidate_nothing_is_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    assert command(scripted("Sorry."), workspace, monkeypatch, "fix", "-s", "total") == 1
    assert "No candidate could be proposed." in capsys.readouterr().err
    assert Store(workspace).pending() is None
    assert command(scripted(FIXED), workspace, monkeypatch, "--json") == 2
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "NoTask"


def test_an_interruption_in_mid_answer_leaves_everything_as_it_was(tmp_path: Path) -> None:
    workspace = make_shop(tmp_path / "w", tests=False)
    before, begun = snapshot(workspace), threading.Event()

    def slow(request: dict[str, object]) -> Answer:
        begun.set()
        return Answer(FIXED, until=threading.Event())

    with scripted(slow) as server:
        words = [sys.executable, "-c", "from dspy_agent.cli.main import main; main()"]
        process = subprocess.Popen(
            [*words, "edit", "fix", "-s", "total", "--workspace", str(workspace)],
            env={**server.environment(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stderr=subprocess.PIPE,
        )
        assert begun.wait(60)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 130, said
    assert b"Traceback" not in said
    assert snapshot(workspace) == before
    assert Store(workspace).pending() is None
