"""A suggestion that is carried out is the decision that is explained, by the weights it was made with."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.cli.main import run_command
from dspy_agent.cli.parsing import Parsed, parse
from dspy_agent.learning.explained import explain
from dspy_agent.learning.hook import suggested
from dspy_agent.learning.judged import policy_named
from dspy_agent.learning.policy_state import STATE_NAME, open_policy
from dspy_agent.learning.uses import Run
from dspy_agent.suggest.bandit import BanditSuggester
from dspy_agent.suggest.request import Request, Suggestion, of_decision
from dspy_agent.tools.registry import BY_NAME
from tests.learning.kit import events, project
from tests.rl.kit import live


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    workspace = project(tmp_path / "shop")
    assert run_command(["--workspace", str(workspace), "index"]) == 0
    return workspace


def _suggest(text: str, workspace: Path) -> Suggestion:
    """Suggest as `dspy-agent suggest TEXT` does, without its drawing of lots."""
    first = BanditSuggester(policy=policy_named("best")).suggest(
        Request(text, workspace, (), tuple(BY_NAME))
    )[0]
    parsed = parse(first.words)
    assert isinstance(parsed, Parsed)
    run = of_decision(Run(first.tool, parsed.arguments, None, 0.0, "cli"), first)
    suggested(run, workspace, workspace / ".dspy_index")
    return first


def test_what_is_explained_is_what_was_chosen_by(workspace: Path) -> None:
    wanted = {"where is a date parsed": "esearch", "show the structure of the project": "tree"}
    for text, tool in wanted.items():
        first = _suggest(text, workspace)
        assert first.tool == tool
        assert run_command(["--workspace", str(workspace), *first.words]) == 0
        found = explain(workspace, None, print)
        assert found.decision_id == first.decision_id
        assert (found.by, found.tool, found.propensity) == ("policy", first.tool, first.propensity)
        assert found.exact
        assert found.score == pytest.approx(sum(first.terms.values()), abs=1e-3)
        for term in found.terms:
            assert term.term == pytest.approx(first.terms.get(term.feature, 0.0), abs=1e-3)


def test_the_user_s_own_choice_leaves_the_suggestion_alone(workspace: Path) -> None:
    first = _suggest("where is a date parsed", workspace)
    assert run_command(["--workspace", str(workspace), "grep", "parse_date"]) == 0
    (own,) = [event for event in events(workspace) if event.tool == "grep"]
    assert (own.policy.name, own.features, own.propensity) == ("user", {}, None)
    assert own.decision_id != first.decision_id


def test_one_shot_suggestions_keep_the_state_near_the_log(workspace: Path) -> None:
    live(workspace, 20)
    _suggest("where is a date parsed", workspace)
    assert not (workspace / STATE_NAME).exists()
    live(workspace, 60, seed=2)
    _suggest("where is a date parsed", workspace)
    assert open_policy(workspace).unsaved == 0
    assert (workspace / STATE_NAME).exists()
