"""Failures of real programs, alone and behind what carries their lines: nothing is lost or made up."""

from __future__ import annotations

import random

import pytest

from dspy_agent_core.contracts.results import LogEvent
from dspy_agent_core.logs import Reducer
from tests.core.corpus.carriers import CARRIERS, carried, torn
from tests.core.corpus.judge import judge
from tests.core.corpus.load import Case, cases
from tests.core.corpus.run import NotHereError, output_of

# Parts of these have no words of their own and lie behind the line of somebody else: a message on a line
# below its head, a cause below the properties of an object, a list of causes.
ONLY_THEIR_PLACE_TELLS = frozenset(
    {
        "node tells of a rejected promise and its reason",
        "rich logging",
        "rich traceback",
        "ruby cause",
        "jest",
        "mocha",
        "axios",
        "node, several",
        "node, logged",
        "node test runner",
        "node test runner, spec",
        "small class name",
        "pytest, cause",
        "gin recovery",
        "dotnet console logger",
        "rails",
        "rust anyhow",
        "unseen java spring like",
        "unseen node aggregate",
        "unseen ruby cause",
        "unseen php logged",
    }
)
CASES = cases()
CARRIERS_OF_A_CASE = 3  # in turn; `benchmarks/kept_exceptions.py` takes more
VALUE = "48213"  # what the programs of `unseen-*.txt` were told to work on
FOLDED = [case for case in CASES if case.name.startswith("unseen ") and VALUE in case.text]
PATH_HOLDS_IT = ("unseen syntax error in plugin", "unseen node syntax")


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    return request.param


def printed(case: Case) -> list[str]:
    try:
        return output_of(case).rstrip("\n").split("\n")
    except NotHereError as error:
        pytest.skip(str(error))


def reduce(lines: list[str]) -> list[LogEvent]:
    reducer = Reducer()
    reducer.feed(lines, at=1_795_000_000.0)
    return reducer.result().events


def test_a_failure_is_told_behind_any_carrier_and_nothing_else(case: Case) -> None:
    lines = printed(case)
    names, number = list(CARRIERS), CASES.index(case)
    for carrier in (names[(number + 5 * step) % len(names)] for step in range(CARRIERS_OF_A_CASE)):
        verdict = judge(case, reduce(carried(lines, carrier)))
        assert not verdict.lost, carrier
        assert not verdict.spurious, carrier


def test_a_failure_survives_lines_of_other_threads_in_its_middle(case: Case) -> None:
    if case.name in ONLY_THEIR_PLACE_TELLS:
        pytest.skip("has parts that only their place tells from other lines")
    verdict = judge(case, reduce(torn(printed(case), random.Random(1))), whole_message=False)
    assert not verdict.lost


def test_two_services_that_fail_at_once_are_told_apart(case: Case) -> None:
    other = next(other for other in CASES if other.name == "plain")
    ours, theirs = carried(printed(case), "compose"), printed(other)
    mixed = []
    for number in range(max(len(ours), len(theirs))):
        mixed += ours[number : number + 1]
        mixed += [f"b-1  | {line}" for line in theirs[number : number + 1]]
    events = reduce(mixed)
    assert not judge(other, events).lost
    assert not judge(case, events).lost or case is other


def test_equal_failures_are_counted_and_the_newest_comes_first() -> None:
    plain, node = (
        printed(next(case for case in CASES if case.name == name))
        for name in ("plain", "java, stack overflow")
    )
    events = reduce([*plain, *node, *plain, *plain])
    assert [(event.type, event.count) for event in events] == [
        ("ZeroDivisionError", 3),
        ("java.lang.StackOverflowError", 1),
    ]


def test_a_failure_right_below_one_in_json_is_told(case: Case) -> None:
    above = next(other for other in CASES if other.name == "unseen node pino like")
    events = reduce([*printed(above), *printed(case)])
    assert not judge(above, events).lost
    assert not judge(case, events).lost or case is above


@pytest.mark.parametrize("case", FOLDED, ids=lambda case: case.name)
def test_a_failure_with_other_values_is_the_same_failure(case: Case) -> None:
    if case.name in PATH_HOLDS_IT:
        pytest.skip("its place is another file each time")
    values = random.Random(2)
    lines = [
        line.replace(VALUE, str(number))
        for number in (values.randrange(10_000, 100_000) for _ in range(12))
        for line in (*printed(case), "2026-11-23 10:00:00 INFO shop: next")
    ]
    first = case.shown[0]
    told = [event.count for event in reduce(lines) if event.type == first.type and event.level != "warning"]
    assert told == [12]


def test_equal_failures_with_other_causes_are_told_apart() -> None:
    failure = ['Exception in thread "main" shop.OrderFailed: order 7', "\tat shop.Orders.ship(Orders.java:9)"]
    lines = [
        line
        for cause in ("java.net.SocketException: reset", "java.io.EOFException")
        for line in (
            *failure,
            f"Caused by: {cause}",
            "\tat shop.Bank.pay(Bank.java:4)",
            "\t... 1 more",
            "next",
        )
    ]
    causes = [event.cause[0].partition(" at ")[0] for event in reduce(lines) if event.cause]
    assert sorted(causes) == ["java.io.EOFException", "java.net.SocketException: reset"]
