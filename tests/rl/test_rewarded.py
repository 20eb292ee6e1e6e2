"""What is told of a decision later: steps taken, edits kept, undone, verified; suggestions carried out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.event import Choice, Event
from dspy_agent.learning.memory import Memory
from dspy_agent.learning.rewarded import (
    CARRIED_WITHIN,
    KEPT_AFTER,
    came_of,
    carried,
    edited_as_planned,
    offered,
    remember,
)
from dspy_agent.learning.rewarded_waiting import Landed, Offer, Planned, Step, Waiting, decode, read, write
from dspy_agent.learning.uses import WITHIN_SECONDS, Run, shown
from dspy_agent.planning.step import Plan
from dspy_agent.planning.step import Step as PlanStep
from dspy_agent.tools.apply import Landed as Applied
from dspy_agent.tools.arguments import CodectxArguments, EsearchArguments
from dspy_agent.tools.change_arguments import ApplyArguments, EditArguments, UndoArguments
from dspy_agent.tools.codectx import CodeContext
from dspy_agent.tools.diff import ChangedFile
from dspy_agent.tools.edit import EditResult
from dspy_agent.tools.run import Outcome
from dspy_agent.tools.think_arguments import PlanArguments, RunArguments
from dspy_agent_core.contracts.results import Hit, Hits

NOW = 1_772_359_200.0
WORKSPACE = Path("/work/shop")


class Desk:
    """A workspace's memories, as the hook uses them; both are written and read between the runs."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.memory, self.now = Memory(), NOW

    def run(self, tool: str, arguments: Any, result: Any, *, after: float = 1.0) -> tuple[Event, list[Event]]:
        """Return the event of a run, and those of decisions before it."""
        self.now += after
        waiting = decode(read(self.folder))
        run = carried(waiting, self.memory, Run(tool, arguments, result, 5.0, "cli"), self.now)
        later = came_of(waiting, self.memory, run, WORKSPACE, self.now)
        event = shown(self.memory, run, WORKSPACE, self.now)
        choice = Choice(event["decision_id"], tool, event["args_hash"], ("user", "1"))
        remember(waiting, self.memory, run, choice, self.now)
        write(waiting.encode(), self.folder)
        return event, later

    def plan(self) -> Event:
        steps = [
            PlanStep("search", "", "dspy-agent esearch --query 'parse date'", "low", ""),
            PlanStep("read", "dates.py", "", "low", ""),
            PlanStep("edit", "dates.py", "dspy-agent edit 'fix it' --file dates.py", "medium", ""),
            PlanStep("test", "", "python -m pytest  tests", "low", ""),
        ]
        return self.run("plan", PlanArguments(("fix", "it")), Plan("Fix.", steps, "x"))[0]

    def edit(self, *, checkpoint: int | None = None, verified: bool = True) -> tuple[Event, list[Event]]:
        files = [ChangedFile("dates.py", "modified", 1, 1)]
        result = EditResult(files, "", verified, "", [], [], "", 1.0, checkpoint)
        return self.run("edit", EditArguments(("fix",)), result)

    def apply(self, checkpoint: int) -> tuple[Event, list[Event]]:
        files = [ChangedFile("dates.py", "modified", 1, 1)]
        return self.run("apply", ApplyArguments(), Applied(checkpoint, files))

    def test(self, code: int, *, after: float = 1.0) -> list[Event]:
        outcome = Outcome("make test", code, "", False, False, 1.0, "none")
        return self.run("run", RunArguments(["make test"]), outcome, after=after)[1]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def told(found: list[Event]) -> list[tuple[str, object]]:
    return [(event["id"], event["outcome"].get("step", event["outcome"]["use"])) for event in found]


def test_each_step_of_a_plan_is_told_once_as_it_is_taken(desk: Desk) -> None:
    plan = desk.plan()["decision_id"]
    _, first = desk.run("esearch", EsearchArguments(query="parse date"), Hits([Hit("x.py")]))
    assert told(first) == [(f"{plan}-step_run-1", 1)]
    assert desk.run("esearch", EsearchArguments(query="parse date"), Hits([Hit("x.py")]))[1] == []
    assert desk.run("esearch", EsearchArguments(query="other"), Hits([Hit("x.py")]))[1] == []
    _, second = desk.run("codectx", CodectxArguments("dates.py"), CodeContext("dates.py"))
    assert told(second) == [(f"{plan}-step_run-2", 2)]
    assert told(desk.edit()[1]) == [(f"{plan}-step_run-3", 3)]
    outcome = Outcome("python -m pytest tests", 0, "", False, False, 1.0, "none")
    fourth = desk.run("run", RunArguments(["python", "-m", "pytest", "tests"]), outcome)[1]
    assert told(fourth) == [(f"{plan}-step_run-4", 4)]
    assert {event["decision_id"] for event in first + second + fourth} == {plan}
    assert {event["tool"] for event in first + second + fourth} == {"plan"}


def test_a_step_that_edits_is_taken_by_hand_too(desk: Desk) -> None:
    plan = desk.plan()["decision_id"]
    waiting = decode(read(desk.folder))
    found = edited_as_planned(waiting, ["other.py", "dates.py"], WORKSPACE, desk.now + 5)
    assert told(found) == [(f"{plan}-step_run-3", 3)]
    assert edited_as_planned(waiting, ["dates.py"], WORKSPACE, desk.now + 6) == []


def test_a_plan_is_forgotten_after_an_hour(desk: Desk) -> None:
    desk.plan()
    query = EsearchArguments(query="parse date")
    assert desk.run("esearch", query, Hits(), after=WITHIN_SECONDS + 1)[1] == []


def test_an_edit_is_kept_when_it_is_applied_and_the_apply_when_it_still_stands(desk: Desk) -> None:
    edit = desk.edit()[0]
    applied, kept = desk.apply(7)
    assert told(kept) == [(f"{edit['id']}-kept-7", "kept")]
    assert desk.test(0, after=KEPT_AFTER / 2) == []
    assert told(desk.test(0, after=KEPT_AFTER)) == [(f"{applied['id']}-kept-7", "kept")]
    assert desk.test(0) == []


def test_what_is_undone_is_told_to_both_decisions_and_not_kept(desk: Desk) -> None:
    edit, applied = desk.edit()[0], desk.apply(7)[0]
    files = [ChangedFile("dates.py", "modified", 1, 1)]
    _, undone = desk.run("undo", UndoArguments(), Applied(8, files, undoes=7))
    assert told(undone) == [(f"{edit['id']}-undone-7", "undone"), (f"{applied['id']}-undone-7", "undone")]
    assert desk.test(0, after=KEPT_AFTER * 2) == []


def test_an_edit_that_lands_by_itself_is_undone_too(desk: Desk) -> None:
    edit = desk.edit(checkpoint=3)[0]
    assert desk.apply(4)[1] == []  # of another proposal
    _, undone = desk.run("undo", UndoArguments(3), Applied(5, [], undoes=3))
    assert told(undone) == [(f"{edit['id']}-undone-3", "undone")]


@pytest.mark.parametrize(("before", "after", "better"), [(1, 0, 1), (0, 1, -1)])
def test_a_command_that_ends_otherwise_after_a_change_judges_it(
    desk: Desk, before: int, after: int, better: int
) -> None:
    assert desk.test(before) == []
    edit, applied = desk.edit()[0], desk.apply(7)[0]
    found = desk.test(after)
    assert [event["id"] for event in found] == [f"{one['id']}-verified-7" for one in (edit, applied)]
    assert [event["outcome"]["better"] for event in found] == [better, better]
    assert desk.test(before) == []  # told once


def test_a_command_that_ends_as_before_or_another_one_says_nothing(desk: Desk) -> None:
    desk.test(1)
    desk.edit(checkpoint=7)
    other = Outcome("make lint", 0, "", False, False, 1.0, "none")
    assert desk.run("run", RunArguments(["make lint"]), other)[1] == []
    assert desk.test(1) == []


def _suggested(words: str) -> Run:
    return Run(
        "esearch", EsearchArguments(query=words), None, 0.0, "cli", ("greedy", "1"),
        {"bias": 1.0}, ("ctx",), {"suggested": "esearch"}, "d" * 16, 0.75,
    )  # fmt: skip


def test_a_suggestion_that_is_carried_out_has_its_decision_once(desk: Desk) -> None:
    waiting = Waiting()
    offered(waiting, desk.memory, _suggested("parse date"), desk.now)
    write(waiting.encode(), desk.folder)
    other, _ = desk.run("esearch", EsearchArguments(query="another"), Hits())
    assert (other["policy"]["name"], other["features"]) == ("user", {})
    event, _ = desk.run("esearch", EsearchArguments(query="parse date"), Hits([Hit("x.py")]))
    assert (event["id"], event["decision_id"], event["policy"]) == (
        "d" * 16, "d" * 16, {"name": "greedy", "version": "1"}
    )  # fmt: skip
    assert (event["features"], event["mask"], event["propensity"]) == ({"bias": 1.0}, ["ctx"], 0.75)
    assert event["outcome"] == {"hits": 1, "suggested": "esearch"}
    again, _ = desk.run("esearch", EsearchArguments(query="parse date"), Hits())
    assert again["policy"]["name"] == "user"


@pytest.mark.parametrize("seconds", [CARRIED_WITHIN + 1, -5.0])
def test_a_suggestion_is_not_carried_out_long_after_or_before(seconds: float) -> None:
    waiting, memory = Waiting(), Memory()
    offered(waiting, memory, _suggested("parse date"), NOW)
    run = Run("esearch", EsearchArguments(query="parse date"), Hits(), 1.0, "cli")
    assert carried(waiting, memory, run, NOW + seconds) is run
    chosen = replace(run, decision_id="other")
    assert carried(waiting, memory, chosen, NOW + 1) is chosen


_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_TS = st.floats(0, 2e9)
_CHOICE = st.builds(Choice, _TEXT, _TEXT, _TEXT, st.tuples(_TEXT, _TEXT))
_OFFER = st.builds(
    Offer,
    _CHOICE,
    _TS,
    st.dictionaries(_TEXT, st.floats(-9, 9), max_size=3),
    st.lists(_TEXT, max_size=3).map(tuple),
    st.none() | st.floats(0.01, 1),
    st.dictionaries(_TEXT, st.booleans() | st.integers() | st.floats(-9, 9) | _TEXT, max_size=3),
)
_STEP = st.builds(Step, _TEXT, _TEXT, _TEXT, _TEXT, st.booleans())
WAITING = st.builds(
    Waiting,
    st.lists(_OFFER, max_size=3),
    st.lists(st.builds(Planned, _CHOICE, _TS, st.lists(_STEP, max_size=3)), max_size=3),
    st.none() | _OFFER,
    st.lists(
        st.builds(
            Landed, st.integers(1, 99), _TS, st.lists(_CHOICE, max_size=2), st.lists(_TEXT, max_size=3)
        ),
        max_size=3,
    ),
    st.dictionaries(_TEXT, st.tuples(st.booleans(), _TS), max_size=3),
)


@given(WAITING)
def test_what_waits_is_read_as_it_was_written(waiting: Waiting) -> None:
    assert decode(waiting.encode()) == waiting


@given(WAITING, st.integers(0, 2000), st.binary(max_size=12))
def test_damage_never_fails_and_never_gives_what_can_not_be_used(
    waiting: Waiting, at: int, other: bytes
) -> None:
    whole = waiting.encode()
    found = decode(whole[:at] + other + whole[at + len(other) :])
    assert decode(found.encode()) == found
    found = decode(whole[:at])
    assert found == (waiting if at >= len(whole) else Waiting())


def test_it_stays_small(tmp_path: Path) -> None:
    waiting = Waiting()
    choice = Choice("d" * 16, "plan", "a" * 16, ("user", "1"))
    for number in range(60):
        waiting.offers.append(Offer(choice, NOW, {f"feature{n}": 0.123456 for n in range(63)}))
        waiting.plans.append(Planned(choice, NOW, [Step("read", "run", "h" * 16, "p" * 200)] * 100))
        waiting.landed.append(Landed(number, NOW, [choice] * 2))
        waiting.runs[f"{number}"] = (True, NOW + number)
        write(waiting.encode(), tmp_path)
        waiting = decode(read(tmp_path))
    assert waiting.landed[-1].checkpoint == 59
    assert len((tmp_path / "waiting.json").read_bytes()) < 100_000
    assert list(waiting.runs)[-1] == "59"
