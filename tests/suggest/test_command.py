"""``suggest`` and the session's suggestions, by real processes: what is told, what rests, what is learned."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from dspy_agent.index.shared import current_index
from tests.learning.kit import dspy_agent, events, used
from tests.suggest.kit import project

NO_MODEL = {"OLLAMA_HOST": "127.0.0.1:9", "DSPY_AGENT_POLICY": "best"}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "project")


def suggest(text: str, workspace: Path) -> dict[str, Any]:
    return dict(json.loads(used("suggest", text, "--json", cwd=workspace, **NO_MODEL).stdout))


def session(lines: str, workspace: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    return dspy_agent(cwd=workspace, lines=lines, **{**NO_MODEL, **extra})


def test_it_tells_the_pick_and_the_next_best(workspace: Path) -> None:
    found = suggest("where is parse_date defined?", workspace)
    assert (found["tool"], found["command"]) == ("extract", "dspy-agent extract parse_date")
    assert found["because"]
    assert found["decision_id"]
    assert 0 < found["next_best"]["score"] < found["score"] <= 1
    assert found["next_best"]["tool"] != "extract"


def test_words_that_fit_nothing_are_told_so(tmp_path: Path) -> None:
    done = dspy_agent("suggest", cwd=tmp_path, **NO_MODEL)
    assert done.returncode == 2
    assert "There is no task." in done.stderr


def test_a_run_of_its_command_is_its_outcome(workspace: Path) -> None:
    current_index(workspace)
    found = suggest("where is parse_date defined?", workspace)
    used("extract", "parse_date", cwd=workspace)
    (event,) = [one for one in events(workspace) if one.id == found["decision_id"]]
    assert (event.tool, event.policy.name) == ("extract", "best")
    assert event.propensity == 1
    assert event.features["names_symbol"] == 1
    assert "undo" in event.mask


def test_in_a_session_the_policy_chose_and_a_tool_that_ran_rests(workspace: Path) -> None:
    current_index(workspace)
    first = session("what crashed?\n", workspace)
    assert "suggested tool: ctx (" in first.stdout
    (event,) = [one for one in events(workspace) if one.tool == "ctx"]
    assert (event.policy.name, event.propensity, event.source) == ("best", 1, "session")
    again = session("what crashed?\n", workspace, DSPY_AGENT_COOLDOWNS="ctx=3600")
    assert "suggested tool: ctx" not in again.stdout
    assert "ctx" in again.stdout
    assert "rests for" in again.stdout
    assert again.returncode == 0


def test_what_a_user_names_runs_though_it_rests(workspace: Path) -> None:
    done = session("what crashed?\nctx --json\n", workspace, DSPY_AGENT_COOLDOWNS="ctx=3600")
    assert json.loads(done.stdout.splitlines()[-1])["events"]


def test_a_command_line_of_the_shell_works_in_the_session(workspace: Path) -> None:
    done = session("dspy-agent extract parse_date --json\n", workspace)
    assert json.loads(done.stdout)["hits"]


def test_a_setting_that_is_off_is_told_and_ends_nothing(workspace: Path) -> None:
    done = session("what crashed?\nls --json\n", workspace, DSPY_AGENT_COOLDOWNS="nothing=1")
    assert "no tool" in done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["entries"]
