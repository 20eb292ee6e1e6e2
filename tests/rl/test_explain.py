"""``rl explain``: terms add up, the weights are those of then, and the named changes do turn the choice."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.learning.event import LOG_NAME, Choice, Event, encode, new_event
from dspy_agent.learning.explained import Explained, explain
from dspy_agent.learning.log import append
from dspy_agent.learning.prior_file import PRIOR_NAME, prior_of
from dspy_agent.tools.registry import BY_NAME
from dspy_agent_core.bandit.learner import Learner
from dspy_agent_core.bandit.policies import policy
from dspy_agent_core.bandit.prior import Prior
from dspy_agent_core.contracts.messages import LearningEvent, decode
from tests.learning.kit import project
from tests.rl.kit import answer, live, rl


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Event]]:
    """A workspace where a policy decided 60 times, and its events."""
    workspace = project(tmp_path_factory.mktemp("lived") / "shop")
    (workspace / PRIOR_NAME).write_bytes(Prior.flat().encode())  # what it learns is its own
    return workspace, live(workspace, 60, by="greedy")


def _explained(workspace: Path, id: str) -> Explained:
    return explain(workspace, id, print)


def test_the_terms_are_value_times_weight_and_add_up_to_the_score(lived: tuple[Path, list[Event]]) -> None:
    workspace, events = lived
    for event in (events[0], events[40], events[-1]):
        found = _explained(workspace, event["decision_id"])
        assert found.exact
        assert found.score == pytest.approx(sum(term.term for term in found.terms), abs=1e-2)
        for term in found.terms:
            assert term.term == pytest.approx(term.value * term.weight, abs=1e-3)
        assert sum(one.propensity for one in found.scores) == pytest.approx(1.0, abs=1e-2)
        assert [one.tool for one in found.scores if one.masked] or not found.mask
        (chosen,) = [one for one in found.scores if one.tool == found.tool]
        assert chosen.propensity == pytest.approx(event["propensity"], abs=1e-3)


def test_each_named_change_turns_the_choice(lived: tuple[Path, list[Event]]) -> None:
    workspace, events = lived
    decisions = [event for event in events if event["id"] == event["decision_id"]]
    turned = 0
    for event in decisions[-8:]:
        found = _explained(workspace, event["id"])
        arms = _weights_before(workspace, events, event["id"])
        preferred = _preferred(arms, event["features"], event["mask"])
        for flip in found.flips:
            features, mask = dict(event["features"]), list(event["mask"])
            if flip.kind == "feature":
                assert flip.value == pytest.approx(features.get(flip.of, 0.0), abs=1e-3)
                features[flip.of] = flip.to or 0.0
            elif flip.kind == "mask":
                mask.remove(flip.of)
            else:
                assert flip.of == preferred
                mask.append(flip.of)
            assert _preferred(arms, features, mask) == flip.tool != preferred
            turned += flip.kind == "feature"
    assert turned


def _weights_before(workspace: Path, events: list[Event], id: str) -> Learner:
    learner = Learner.fresh(prior_of(workspace, print))
    for tool in BY_NAME:
        learner.arms.add_arm(tool)
    for event in events:
        if event["id"] == id:
            break
        learner.apply(decode(LearningEvent, encode(event)))
    return learner


def _preferred(learner: Learner, features: dict[str, float], mask: list[str]) -> str:
    arms = learner.arms
    choice = policy("greedy").choose(arms, arms.vector(features), ~arms.mask(mask), 0.5)
    return arms.arms[int(choice.propensities.argmax())]


def test_rewards_are_shown_in_their_parts(lived: tuple[Path, list[Event]]) -> None:
    workspace, events = lived
    (use, *_) = [event for event in events if event["outcome"].get("use") == "opened"]
    found = answer("explain", use["decision_id"][:16], cwd=workspace)
    assert [one["what"] for one in found["rewards"]] == ["the step itself", "opened"]
    assert found["rewards"][1]["parts"] == {"opened": 0.5}
    assert found["reward"] == pytest.approx(sum(one["reward"] for one in found["rewards"]), abs=1e-3)
    said = rl("explain", use["decision_id"], cwd=workspace)
    assert said.returncode == 0
    for words in ("propensity", "what would have changed it:", "reward so far", "opened +0.5000"):
        assert words in said.stdout


def test_a_choice_of_the_user_has_no_terms_but_a_reward(tmp_path: Path) -> None:
    from tests.learning.kit import used

    workspace = project(tmp_path / "shop")
    used("esearch", "parse date", cwd=workspace)
    found = answer("explain", cwd=workspace)
    assert (found["by"], found["tool"], found["terms"], found["flips"]) == ("user", "esearch", [], [])
    assert "No policy was asked" in rl("explain", cwd=workspace).stdout


def test_what_is_not_there_is_told(lived: tuple[Path, list[Event]], tmp_path: Path) -> None:
    workspace, _ = lived
    error = answer("explain", "nosuch", cwd=workspace, code=2)["error"]
    assert (error["code"], "rl status" in error["next"]) == ("UnknownDecision", True)
    assert answer("explain", "0001", cwd=workspace, code=2)["error"]["code"] == "UnknownDecision"
    assert answer("explain", cwd=tmp_path, code=3)["error"]["code"] == "NothingLearned"


def test_a_choice_of_a_model_is_explained_by_what_was_suggested_to_it(tmp_path: Path) -> None:
    workspace = project(tmp_path / "shop")
    events = live(workspace, 4)
    chosen = Choice("m" * 16, "grep", "a" * 16, ("model", "qwen3:1.7b"))
    outcome: dict[str, bool | int | float | str] = {"hits": 0, "suggested": "esearch", "agreed": False}
    features = events[0]["features"]
    event = new_event(chosen, outcome, id="m" * 16, workspace=workspace, source="session", features=features)
    append(workspace / LOG_NAME, [encode(event)])
    found = _explained(workspace, "m")
    assert (found.by, found.tool, found.explained, found.propensity) == ("model", "grep", "esearch", None)
    assert found.terms
    assert not found.explored
    assert "suggested   esearch: what follows is about that" in rl("explain", "m", cwd=workspace).stdout
