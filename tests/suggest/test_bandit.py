"""What is suggested: at the beginning, after it was learned from, and where it may not be."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.suggest.bandit import BanditSuggester, policy_of
from dspy_agent.suggest.request import to_follow, told
from dspy_agent.suggest.seen import Seen
from dspy_agent_core.bandit.policies import Greedy, unit
from dspy_agent_core.errors import UsageError
from tests.suggest.kit import Asked, Clock, project, request, tools_of


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return project(tmp_path / "project")


@pytest.mark.parametrize(
    ("task", "words"),
    [
        ("where is parse_date defined?", ("extract", "parse_date")),
        ("what does src/dates.py do", ("codectx", "src/dates.py")),
        ("who calls parse_date", ("codectx", "parse_date")),
        ("which errors are in the logs?", ("ctx",)),
        ("what crashed in the last 2 hours", ("ctx", "--since", "2h")),
        ("show me the layout of the project", ("tree", "--depth", "2")),
        ("list the files in src/", ("ls", "src")),
        ("TIME_ZONE has no effect", ("grep", "-w", "-F", "--", "TIME_ZONE")),
        ("is everything installed?", ("doctor",)),
        ("reindex the code", ("index",)),
        ("make the embeddings", ("emb-index",)),
        ("undo the last change", ("undo",)),
        ("the checkpoints please", ("checkpoints",)),
    ],
)
def test_the_first_suggestion_fits_before_anything_is_learned(
    workspace: Path, task: str, words: tuple[str, ...]
) -> None:
    first = Asked(workspace)(task)[0]
    assert first.words == words
    assert 0 < first.score <= 1


def test_a_method_is_named_with_its_class(workspace: Path) -> None:
    caches = "class LRU:\n    def get(self): ...\n\n\nclass FIFO:\n    def get(self): ...\n"
    (workspace / "src" / "caches.py").write_text(caches)
    assert Asked(workspace)("where is LRU.get defined?")[0].words == ("extract", "LRU.get")
    assert Asked(workspace)("where is cache.get defined?")[0].words == ("extract", "get")
    seen = (Seen(("extract", "LRU.get"), found=False),)
    assert ("extract", "get") in [
        one.words for one in Asked(workspace)("where is LRU.get defined?", seen=seen)
    ]


def test_why_is_told_in_the_words_of_the_task(workspace: Path) -> None:
    line = told(Asked(workspace)("where is parse_date defined?"))
    assert line.startswith("suggested tool: extract (0.")
    assert "because parse_date is defined here" in line
    assert "you said errors, logs" in told(Asked(workspace)("which errors are in the logs?"))


def test_what_changes_files_is_suggested_only_if_the_task_asks_for_it(workspace: Path) -> None:
    assert "undo" in tools_of(Asked(workspace)("undo the last change"))
    found = Asked(workspace)("why was the last change undone?", model=True)
    assert not {"undo", "edit", "apply", "run"} & set(tools_of(found))
    assert {"undo", "edit", "apply", "run"} <= set(found[0].mask)


def test_a_tool_that_needs_a_model_is_suggested_only_where_there_is_one(workspace: Path) -> None:
    task = "plan the steps to make the time zone configurable"
    assert "plan" not in tools_of(Asked(workspace)(task))
    assert Asked(workspace)(task, model=True)[0].tool == "plan"


def test_a_step_is_not_suggested_again(workspace: Path) -> None:
    task, ask = "where is parse_date defined?", Asked(workspace)
    seen = (Seen(("extract", "parse_date"), found=True),)
    assert ("extract", "parse_date") not in [one.words for one in ask(task, seen=seen)]


def test_what_a_search_showed_is_opened_next_and_then_it_is_answered(workspace: Path) -> None:
    task, ask = "how is the text of a day turned into a date", Asked(workspace)
    search = Seen(("esearch", "--query", task), True, ("parse_date",), ("src/dates.py",))
    first = ask(task, seen=(search,))[0]
    assert first.words == ("extract", "parse_date")
    assert "esearch showed parse_date" in first.because
    opened = (search, Seen(first.words, True), Seen(("codectx", "src/dates.py"), True))
    assert ask(task, seen=opened)[0].tool == "answer"


def test_rewards_change_what_is_suggested(workspace: Path) -> None:
    task, ask = "how does the date get parsed", Asked(workspace)
    before = ask(task)[0].tool
    other = next(one.tool for one in ask(task) if one.tool != before)
    for _ in range(30):
        ask.learn(ask(task)[0], -0.2, before)
        ask.learn(ask(task)[0], 0.8, other)
    after = ask(task)[0]
    assert after.tool == other
    assert "it has helped here before" in after.because


def test_propensities_are_those_under_the_mask(workspace: Path) -> None:
    ask = Asked(workspace, policy=Greedy(epsilon=0.2))
    found = ask("error in TIME_ZONE", mask=("esearch",))
    assert sum(one.propensity or 0 for one in found) == pytest.approx(1)
    assert "esearch" in found[0].mask
    assert not set(found[0].mask) & set(tools_of(found))
    assert {one.decision_id for one in found} == {found[0].decision_id}


def test_a_decision_can_be_made_again_from_its_event(workspace: Path) -> None:
    ask = Asked(workspace, policy=Greedy(epsilon=0.5))
    arms = ask.policies.learner.arms
    for _ in range(20):
        first = ask("error in TIME_ZONE")[0]
        allowed = ~arms.mask(first.mask)
        again = Greedy(epsilon=0.5).choose(
            arms, arms.vector(first.features), allowed, unit(first.decision_id)
        )
        assert arms.arms[again.arm] == first.tool
        assert again.propensities[again.arm] == pytest.approx(first.propensity)


def test_a_tool_that_is_only_tried_says_so(workspace: Path) -> None:
    ask = Asked(workspace, policy=Greedy(epsilon=1.0))
    ask.suggester._policy = Greedy(epsilon=0.9)
    lines = {told(ask("where is parse_date defined?")) for _ in range(60)}
    assert any("tried now and then" in line for line in lines)
    assert any("tried now and then" not in line for line in lines)


def test_suggesting_learns_nothing(workspace: Path) -> None:
    ask = Asked(workspace)
    before = ask.policies.learner.encode()
    ask("the checkpoints please")
    ask("error in TIME_ZONE")
    assert ask.policies.learner.encode() == before


def test_what_is_no_policy_is_refused_with_the_next_step() -> None:
    assert policy_of({}).name == "greedy"
    assert policy_of({"DSPY_AGENT_POLICY": "thompson"}).name == "thompson"
    with pytest.raises(UsageError, match="no policy") as caught:
        policy_of({"DSPY_AGENT_POLICY": "magic"})
    assert "best" in caught.value.next


def test_a_tool_that_ran_rests_and_the_next_best_is_shown(workspace: Path) -> None:
    clock = Clock()
    ask = Asked(workspace, clock)
    assert ask("what crashed?")[0].tool == "ctx"
    ask.suggester.used("ctx")
    clock.now += 2
    found = ask("what crashed?")
    first = to_follow(found)
    assert first is not None
    assert first.tool != "ctx"
    assert "ctx" in first.mask
    assert "; ctx rests for 3 s more)" in told(found)
    assert found[-1].propensity is None
    clock.now += 3
    assert ask("what crashed?")[0].tool == "ctx"


def test_nothing_rests_that_the_user_names(workspace: Path) -> None:
    ask = Asked(workspace)
    ask.suggester.used("grep")
    assert to_follow(ask("grep for TIME_ZONE, please")) is not None
    assert ask("grep for TIME_ZONE, please")[0].tool == "grep"


def test_a_rest_holds_in_another_session(workspace: Path) -> None:
    clock = Clock(1_704_067_200.0 + 1)  # a second after the event
    ask = Asked(workspace, clock)
    ask.learn(ask("what crashed?")[0], 0.0)
    ask.suggester = BanditSuggester(lambda _: ask.policies, Greedy(), clock)
    assert "ctx" in ask("what crashed?")[0].mask


def test_a_clock_that_went_back_lets_nothing_rest(workspace: Path) -> None:
    clock = Clock()
    ask = Asked(workspace, clock)
    ask.suggester.used("ctx")
    clock.now -= 1000
    assert ask("what crashed?")[0].tool == "ctx"


def test_where_all_that_fits_rests_nothing_is_chosen(workspace: Path) -> None:
    ask = Asked(workspace)
    for tool in ("ctx", "grep", "intel", "esearch"):
        ask.suggester.used(tool)
    found = ask.suggester.suggest(
        request("what crashed?", workspace, mask=("tree", "codectx", "extract", "vretr"))
    )
    assert found
    assert to_follow(found) is None
    assert told(found) == ""
