"""Training finds the instruction that makes the model better, keeps only what is better, and says so."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dspy_agent.modules.registry import instructions_of, load_module
from dspy_agent.modules.state import load_state
from tests.gepa.conftest import Ran
from tests.gepa.kit import MAGIC, asked, git, planner, proposes, shop
from tests.support.fake_model import Answer, FakeModelServer

PLAN = ("--module", "plan", "--examples", "16")
ENOUGH = ("--calls", "20")  # questions, until the better instruction is found


def test_the_better_instruction_is_found_kept_and_used(
    run: Callable[..., Ran], server: FakeModelServer, project: Path
) -> None:
    done = run("train", *PLAN, *ENOUGH, "--json")
    assert done.code == 0, done.err
    assert done.json["kept"]
    assert done.json["after"] > done.json["before"] + 0.2
    assert done.json["examples"] == {"train": 6, "validation": 5, "held_out": 5}
    assert MAGIC in done.json["instructions"]["plan"]
    assert MAGIC in instructions_of(load_module("plan", project))["plan"]
    assert "before training: " in done.err
    assert "best so far" in done.err
    assert git("status", "--porcelain", cwd=project) == ""

    compared = run("eval", *PLAN, "--json")
    assert compared.code == 0, compared.err
    assert compared.json["verdict"] == "better"
    assert compared.json["low"] > 0
    assert compared.json["examples"] == compared.json["better"] == 5
    before = asked(server)
    assert run("eval", *PLAN).code == 0
    assert asked(server) == before, "what was asked before is known"


def test_nothing_better_leaves_what_was_there(
    run: Callable[..., Ran], server: FakeModelServer, project: Path
) -> None:
    assert run("train", *PLAN, *ENOUGH).code == 0
    before = load_state(project, "plan")
    again = run("train", *PLAN, "--json")
    assert again.code == 1
    assert not again.json["kept"]
    assert "trained before" in again.json["why"]
    assert again.json["left_out"] == {"it is the old one": 12}, "it stops when proposals are in vain"
    assert load_state(project, "plan") == before


def test_a_model_that_proposes_rubbish_changes_nothing(
    run: Callable[..., Ran], server: FakeModelServer, project: Path
) -> None:
    rubbish = iter(["", "{}", "\0\x1b[31m", "ha " * 900, "```\n```", "12345 67890 !!!! ???? 11111 22222"] * 9)
    server.answers = [lambda request: next(rubbish) if proposes(request) else planner(request)]
    done = run("train", *PLAN, "--json")
    assert done.code == 1, done.err
    assert sum(done.json["left_out"].values()) == 12
    assert set(done.json["left_out"]) == {"it is empty", "it is no text", "it repeats itself"}
    assert load_state(project, "plan") is None


def test_answers_that_can_not_be_used_score_nothing(
    run: Callable[..., Ran], server: FakeModelServer, project: Path
) -> None:
    server.answers = ["no JSON at all"]
    done = run("train", *PLAN, "--calls", "30", "--json")
    assert done.code == 1, done.err
    assert done.json["before"] == 0.0
    assert load_state(project, "plan") is None


def test_the_budget_is_kept(run: Callable[..., Ran], server: FakeModelServer) -> None:
    done = run("train", *PLAN, "--calls", "4", "--json")
    assert done.code == 1
    assert "before" not in done.json
    assert "nothing is known" in done.json["why"]
    assert done.json["calls"] == asked(server) == 4
    more = run("train", *PLAN, "--calls", "9", "--json")
    assert more.json["resumed"] == 4
    assert more.json["calls"] == asked(server) == 9


def test_too_few_examples_are_told(run: Callable[..., Ran], server: FakeModelServer, project: Path) -> None:
    subprocess.run(["rm", "-rf", str(project)], check=True)
    shop(project, ("invoice", "parcel"))
    done = run("train", *PLAN, "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "TooFewExamples"
    assert "commits that say what they do" in done.json["error"]["next"]
    assert server.requests == []


def test_without_git_the_functions_are_tasks(
    run: Callable[..., Ran], server: FakeModelServer, project: Path
) -> None:
    subprocess.run(["rm", "-rf", str(project / ".git")], check=True)
    done = run("train", *PLAN, *ENOUGH, "--json")
    assert done.code == 0, done.err
    assert done.json["kept"]


def test_a_server_that_goes_away_is_no_bad_answer(
    run: Callable[..., Ran], server: FakeModelServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSPY_AGENT_MODEL_RETRIES", "0")
    server.answers = [lambda request: Answer("down", status=500) if asked(server) > 7 else planner(request)]
    done = run("train", *PLAN, "--json")
    assert done.code == 5
    assert done.json["error"]["code"] == "ModelFailed"
    assert "the same command goes on" in done.err
    server.answers = [planner]
    after = run("train", *PLAN, *ENOUGH, "--json")
    assert after.code == 0, after.err
    assert after.json["resumed"] == 7
    assert after.json["kept"]


def test_no_server_is_told(run: Callable[..., Ran], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("USE_OLLAMA", "1")
    monkeypatch.setenv("OLLAMA_HOST", "http://127.0.0.1:9")
    monkeypatch.setenv("DSPY_AGENT_MODEL_RETRIES", "0")
    done = run("train", *PLAN, "--json")
    assert done.code == 5
    assert done.json["error"]["code"] == "ModelUnreachable"


def test_eval_needs_a_training(run: Callable[..., Ran], server: FakeModelServer) -> None:
    done = run("eval", "--module", "plan", "--json")
    assert done.code == 2
    assert done.json["error"]["code"] == "NotTrained"
    assert json.loads(done.out)["error"]["next"] == "dspy-agent gepa train --module plan"
    assert server.requests == []
