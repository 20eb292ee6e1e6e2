"""The other ``rl`` commands, by real processes: status, thumbs, curve, eval, reset, export and import."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dspy_agent.checkpoints.store import Store
from dspy_agent.learning.event import LOG_NAME
from dspy_agent.learning.policy_state import STATE_NAME
from dspy_agent.learning.prior_file import PRIOR_NAME
from dspy_agent_core.bandit.state import seal
from tests.learning.kit import dspy_agent, events, project, used
from tests.learning.policy_kit import snapshot
from tests.rl.kit import answer, live, rl


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "shop")


def test_status_tells_what_ran_and_what_it_earned(workspace: Path) -> None:
    assert answer("status", cwd=workspace, code=1)["decisions"] == 0
    used("esearch", "parse date", cwd=workspace)
    used("codectx", "dates.py", cwd=workspace)
    with (workspace / LOG_NAME).open("ab") as log:
        log.write(b"no event\n")
    found = json.loads(rl("status", "--json", cwd=workspace).stdout)
    assert (found["learning"], found["decisions"], found["events"], found["damaged"]) == ("on", 2, 3, 1)
    assert {one["tool"]: one["uses"] for one in found["tools"]} == {"esearch": 1, "codectx": 1}
    assert next(one["mean_reward"] for one in found["tools"] if one["tool"] == "esearch") > 0.3
    assert [one["tool"] for one in found["last"]] == ["codectx", "esearch"]
    off = rl("status", cwd=workspace, DSPY_AGENT_LEARNING="off")
    assert off.stdout.startswith("learning   off")
    assert "1 damaged line passed over" in off.stdout


def test_the_last_word_of_thumbs_counts(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    (search,) = events(workspace)
    up = answer("thumbs", "up", cwd=workspace)
    assert (up["decision_id"], up["tool"], up["told"]) == (search.decision_id, "esearch", True)
    assert not answer("thumbs", "up", search.decision_id[:6], cwd=workspace)["told"]
    down = answer("thumbs", "down", cwd=workspace)
    assert down["reward"] == -1.0
    found = events(workspace)
    assert [event.id for event in found[1:]] == [f"{search.id}-thumbs-1", f"{search.id}-thumbs-2"]
    assert [event.reward for event in found[1:]] == [1.0, -2.0]
    said = rl("explain", cwd=workspace)
    assert "reward so far -1.0000" in said.stdout


def test_a_session_judges_its_last_step(workspace: Path) -> None:
    used("extract", "shape", cwd=workspace)
    said = dspy_agent(cwd=workspace, lines="thumbs up\nesearch --q 'parse date'\nthumbs up\nthumbs aside\n")
    judged = [event for event in events(workspace) if event.outcome.get("use") == "thumbs"]
    assert [event.tool for event in judged] == ["esearch"], said.stderr
    assert "No step of this session was noted yet." in said.stderr
    assert "is not one of 'up', 'down'" in said.stderr


def test_curve_plots_and_counts(workspace: Path) -> None:
    live(workspace, 150)
    found = answer("curve", cwd=workspace)
    assert found["decisions"] == 150
    assert sum(one["decisions"] for one in found["curve"]) == 150
    assert len(found["curve"]) <= 60
    assert found["mean_reward"] > 0.1
    some = answer("curve", "--last", "10", "--tool", "esearch", cwd=workspace)
    assert some["decisions"] == 10
    said = rl("curve", cwd=workspace)
    assert said.stdout.startswith("mean reward of 150 decisions: ")
    assert said.stdout.count("●") == len(found["curve"])
    plain = rl("curve", cwd=workspace, PYTHONIOENCODING="ascii")
    assert plain.stdout.count("*") == len(found["curve"])
    assert answer("curve", "--tool", "nope", cwd=workspace, code=2)["error"]["code"] == "UnknownTool"


def test_eval_tells_too_little_from_enough(workspace: Path, tmp_path: Path) -> None:
    live(workspace, 20)
    few = answer("eval", "--policy", "greedy", cwd=workspace)
    assert [one["verdict"] for one in few["policies"]] == ["too little to tell"]
    assert "after 30 more decisions" in few["next"]
    live(other := project(tmp_path / "other"), 300, by="thompson")
    found = answer("eval", "--policy", "thompson", "--policy", "best", cwd=other)
    assert (found["decisions"], found["others"]) == (300, 0)
    acting, best = found["policies"]
    assert (acting["policy"], acting["effective"]) == ("thompson", 300.0)  # it is the one that acted
    assert acting["ips"] == acting["snips"] == found["logged"]
    assert acting["gain"]["low"] < 0.02
    assert acting["gain"]["high"] > -0.02
    assert acting["verdict"] == "no difference"
    assert best["effective"] < 300
    for one in found["policies"]:
        assert one["dr"]["low"] <= one["dr"]["value"] <= one["dr"]["high"]
        gain = one["dr"]["value"] - found["logged"]["value"]
        assert one["gain"]["value"] == pytest.approx(gain, abs=1e-3)
    said = rl("eval", cwd=other)
    assert "300 decisions of policies" in said.stdout
    error = answer("eval", "--policy", "dice", cwd=workspace, code=2)["error"]
    assert error["code"] == "UnknownPolicy"
    assert "thompson" in error["next"]


def test_eval_needs_decisions_of_a_policy(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    error = answer("eval", cwd=workspace, code=3)["error"]
    assert error["message"].startswith("No decision here was made by a policy")


def test_reset_asks_and_sets_aside(workspace: Path) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=workspace, check=True)
    live(workspace, 5)
    snapshot(workspace)
    assert answer("reset", cwd=workspace, code=2)["error"]["code"] == "NotConfirmed"
    assert len(events(workspace)) >= 5
    done = answer("reset", "--yes", cwd=workspace)
    assert done == {"set_aside": [f"{STATE_NAME}.aside", f"{LOG_NAME}.aside"]}
    assert not (workspace / LOG_NAME).exists()
    assert not (workspace / STATE_NAME).exists()
    assert (workspace / f"{LOG_NAME}.aside").exists()
    status = subprocess.run(["git", "status", "--porcelain"], cwd=workspace, check=True, capture_output=True)
    assert b".aside" not in status.stdout
    assert answer("reset", "--yes", cwd=workspace, code=1) == {"set_aside": []}
    assert answer("status", cwd=workspace, code=1)["decisions"] == 0
    used("esearch", "parse date", cwd=workspace)
    assert answer("status", cwd=workspace)["decisions"] == 1


def test_a_team_shares_what_it_learned(workspace: Path, tmp_path: Path) -> None:
    assert answer("export", "team.json", cwd=workspace, code=3)["error"]["code"] == "NothingLearned"
    live(workspace, 80)
    team = str(tmp_path / "team.json")
    exported = json.loads(rl("export", team, "--json", cwd=workspace).stdout)
    assert exported["decisions"] == 80
    assert {"esearch", "ctx"} <= set(exported["tools"])
    other = project(tmp_path / "other")
    live(other, 3, seed=3)
    imported = answer("import", team, cwd=other)
    assert (imported["tools"], imported["decisions"]) == (exported["tools"], 3)
    assert answer("status", cwd=other)["prior"] == PRIOR_NAME
    text = (other / PRIOR_NAME).read_text()
    assert not [word for word in ("shop", str(tmp_path), "parse") if word in text]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "PriorUnusable"),
        ("{", "PriorUnreadable"),
        ('{"schema_version": 99}', "PriorUnreadable"),
        ('{"schema_version": 1, "features": ["bias"], "arms": {"x": {"bias": 1e999}}}', "PriorUnreadable"),
    ],
)
def test_a_bad_file_is_refused_and_nothing_changes(
    workspace: Path, tmp_path: Path, content: str | None, code: str
) -> None:
    file = tmp_path / "team.json"
    if content is not None:
        file.write_text(content)
    assert answer("import", str(file), cwd=workspace, code=3)["error"]["code"] == code
    assert not (workspace / PRIOR_NAME).exists()


def test_a_newer_state_is_told_with_the_next_step_and_kept(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live(workspace, 5)
    monkeypatch.setattr("dspy_agent_core.bandit.state.SCHEMA_VERSION", 99)
    state = seal({"of": "another time"})
    (workspace / STATE_NAME).write_bytes(state)
    said = rl("status", "--json", cwd=workspace)
    assert json.loads(said.stdout)["state"] == "newer"
    assert "rl reset" in said.stderr
    assert (workspace / STATE_NAME).read_bytes() == state


def test_what_is_applied_and_undone_is_told(workspace: Path) -> None:
    used("index", cwd=workspace)
    store = Store(workspace)
    store.propose({"new.py": b"def new():\n    return 1\n"}, {"task": "a new function"})
    used("apply", cwd=workspace)
    used("undo", cwd=workspace)
    applied, undone, undo = [event for event in events(workspace) if event.tool != "index"]
    assert (applied.tool, undo.tool) == ("apply", "undo")
    assert (undone.decision_id, undone.outcome["use"], undone.reward) == (applied.id, "undone", -0.8)
    found = answer("explain", applied.id, cwd=workspace)
    assert found["rewards"][1]["parts"] == {"undone": -0.8}
