"""What is told of searches and of the use of their hits, by real processes."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from dspy_agent.learning.event import LOG_NAME
from tests.learning.kit import PROGRAM, brief, dspy_agent, environment, events, project, used


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "shop")


def test_a_hit_that_is_opened_next_is_told_with_the_decision_of_its_search(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    used("codectx", "dates.py", cwd=workspace)
    search, opened, described = events(workspace)
    assert brief([opened]) == [("esearch", "opened", 1)]
    assert (opened.decision_id, opened.args_hash) == (search.decision_id, search.args_hash)
    assert opened.outcome["tool"] == "codectx"
    assert described.decision_id != search.decision_id
    assert search.policy.name == "user"
    assert (search.workspace, search.source, search.propensity) == ("shop", "cli", None)
    assert opened.reward == 0.5
    assert -0.1 <= (search.reward or 0) < 0  # for its time; finding something is worth nothing yet
    assert search.cost_ms > 0
    assert search.session != opened.session


@pytest.mark.parametrize(
    ("words", "same_lines"),
    [
        (["codectx", "parse_date"], True),
        (["extract", "parse_date"], True),
        (["extract", "dates.py:parse_date"], True),
        (["grep", "return", "./dates.py"], None),
    ],
)
def test_ways_to_open_a_hit(workspace: Path, words: list[str], same_lines: bool | None) -> None:
    used("esearch", "parse date", cwd=workspace)
    used(*words, cwd=workspace)
    search, opened, *_ = events(workspace)
    assert brief([opened]) == [("esearch", "opened", 1)]
    assert opened.decision_id == search.decision_id
    assert opened.outcome["tool"] == words[0]
    assert opened.outcome.get("same_lines") is same_lines


def test_a_hit_is_told_once_and_what_was_not_shown_is_not(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    used("extract", "parse_date", cwd=workspace)
    used("extract", "parse_date", cwd=workspace)
    used("extract", "shape", cwd=workspace)
    assert brief(events(workspace)) == [
        ("esearch", len(_hits(workspace))),
        ("esearch", "opened", 1),
        ("extract", 1),
        ("extract", 1),
        ("extract", 1),
    ]


def _hits(workspace: Path) -> list[object]:
    found = used("esearch", "parse date", "--json", cwd=workspace, DSPY_AGENT_LEARNING="off")
    hits: list[object] = json.loads(found.stdout)["hits"]
    return hits


def test_a_hit_that_is_edited_is_told_when_the_index_sees_it(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    with (workspace / "dates.py").open("a") as file:
        file.write("\n\ndef format_date(date):\n    return str(date)\n")
    (workspace / "other.py").touch()
    used("esearch", "shape", cwd=workspace)
    first, edited, second = events(workspace)
    assert brief([edited]) == [("esearch", "edited", 1)]
    assert edited.decision_id == first.decision_id != second.decision_id
    assert edited.source == "index"
    (workspace / "other.py").write_text("def shape():\n    return 'flat'\n")
    used("index", cwd=workspace)
    edited, indexed = events(workspace)[3:]
    assert brief([edited]) == [("esearch", "edited", 1)]
    assert indexed.tool == "index"  # it rests from now on


def test_an_edit_before_a_search_is_no_use_of_it(workspace: Path) -> None:
    used("index", cwd=workspace, DSPY_AGENT_LEARNING="off")
    (workspace / "dates.py").write_text("def parse_date(text, zone):\n    return text\n")
    used("grep", "parse_date", cwd=workspace)  # which does not look at the index
    used("esearch", "shape", cwd=workspace)
    assert [event.tool for event in events(workspace)] == ["grep", "esearch"]


def test_a_session_tells_the_same(workspace: Path) -> None:
    lines = "esearch --q 'parse date'\ncodectx dates.py\nwhere is shape defined\n"
    said = dspy_agent(cwd=workspace, lines=lines, DSPY_AGENT_POLICY="best")
    assert said.returncode == 0, said.stderr
    search, opened, described, task = events(workspace)
    assert brief([opened]) == [("esearch", "opened", 1)]
    assert opened.decision_id == search.decision_id
    assert len({event.session for event in (search, opened, described, task)}) == 1
    assert (task.tool, task.source, task.policy.name) == ("extract", "session", "best")
    assert task.propensity == 1.0


def test_nothing_found_is_told_too(workspace: Path) -> None:
    used("index", cwd=workspace, DSPY_AGENT_LEARNING="off")
    assert dspy_agent("grep", "nowhere_at_all", cwd=workspace).returncode == 1
    assert dspy_agent("codectx", "nowhere_at_all", cwd=workspace).returncode == 1
    assert brief(events(workspace)) == [("grep", 0), ("codectx", 0)]


@pytest.mark.parametrize(
    "words", [["esearch", "--help"], ["grep", "("], ["esearch"], ["codectx", "no/such.py"], ["ls"], ["tree"]]
)
def test_help_errors_and_listings_leave_no_event(workspace: Path, words: list[str]) -> None:
    used("index", cwd=workspace, DSPY_AGENT_LEARNING="off")
    before = sorted(workspace.iterdir())
    dspy_agent(*words, cwd=workspace)
    assert not events(workspace)
    assert sorted(workspace.iterdir()) == before


def test_reading_leaves_no_files_where_nothing_was_searched(workspace: Path) -> None:
    before = sorted(workspace.iterdir())
    used("grep", "parse", cwd=workspace)
    used("codectx", "dates.py", cwd=workspace)
    assert sorted(workspace.iterdir()) == before


def test_off_is_off(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace, DSPY_AGENT_LEARNING="off")
    used("codectx", "dates.py", cwd=workspace, DSPY_AGENT_LEARNING="off")
    assert not (workspace / LOG_NAME).exists()


def test_neither_arguments_nor_paths_are_in_the_log(workspace: Path) -> None:
    used("esearch", "hunter2 parse date", cwd=workspace)
    used("codectx", "dates.py", cwd=workspace)
    used("grep", "hunter2|parse", cwd=workspace)
    text = (workspace / LOG_NAME).read_text()
    assert not [word for word in ("hunter2", "dates", str(workspace.parent)) if word in text]


def test_processes_at_once_lose_nothing_and_tell_each_use_once(workspace: Path) -> None:
    used("esearch", "parse date", cwd=workspace)
    running = [
        subprocess.Popen(
            [*PROGRAM, "extract", "parse_date"],
            cwd=workspace,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for _ in range(6)
    ]
    for process in running:
        assert process.communicate(timeout=100)[1] == b""
        assert process.returncode == 0
    found = events(workspace)
    assert [event.tool for event in found].count("extract") == 6
    assert brief(found).count(("esearch", "opened", 1)) == 1
    assert len({event.id for event in found}) == len(found) == 8
