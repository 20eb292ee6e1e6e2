"""What is known of any task: bounded numbers under fixed names, and words that are commands."""

from __future__ import annotations

from dataclasses import fields

from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent.cli.parsing import Parsed, parse
from dspy_agent.suggest.features import NAMES, features_of
from dspy_agent.suggest.fill import fill
from dspy_agent.suggest.request import ANSWER, Request
from dspy_agent.suggest.seen import Seen
from dspy_agent.suggest.simulated.situations import TOOL_NAMES, situations
from dspy_agent.suggest.simulated.world import NOWHERE, ToldFacts, World
from dspy_agent.suggest.surroundings import Surroundings
from dspy_agent_core.bandit.prior import MOST_FEATURES

_WORDS = st.sampled_from(
    [
        "ctx",
        "grep",
        "undo",
        "fix",
        "'a",
        "b'",
        '"x"',
        "last",
        "3",
        "hours",
        "src/a.py",
        "src/",
        "A.b",
        "?",
        "--",
    ]
)
_TEXTS = st.one_of(st.text(max_size=200), st.lists(_WORDS, max_size=12).map(" ".join))
_STEPS = st.builds(
    Seen,
    st.tuples(st.sampled_from(TOOL_NAMES), st.text(max_size=5)),
    st.booleans(),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
    st.lists(st.text(max_size=9), max_size=2).map(tuple),
)


@st.composite
def requests(draw: st.DrawFn) -> tuple[Request, ToldFacts]:
    text = draw(_TEXTS)
    around = Surroundings(**{one.name: draw(st.booleans()) for one in fields(Surroundings)})
    words = ToldFacts(text, World(around)).words
    some = st.lists(st.sampled_from(words or ["x"]), max_size=3)
    world = World(
        around,
        dict.fromkeys(draw(some), draw(st.integers(1, 10**6))),
        frozenset(draw(some)),
        frozenset({"src/a.py"}),
        frozenset({"src"}),
    )
    kinds = st.frozensets(st.sampled_from(("edit", "run", "apply", "undo")))
    seen = tuple(draw(st.lists(_STEPS, max_size=12)))
    asked = Request(text, NOWHERE, (), TOOL_NAMES, seen=seen, changes=draw(kinds), model=draw(st.booleans()))
    return asked, ToldFacts(text, world)


@settings(max_examples=60, deadline=None)
@given(requests())
def test_features_are_bounded_and_always_the_same(asked: tuple[Request, ToldFacts]) -> None:
    found = features_of(*asked)
    assert set(found) == set(NAMES[1:])
    assert all(0 <= value <= 1 for value in found.values())
    assert len(NAMES) == len(set(NAMES)) <= MOST_FEATURES


@settings(max_examples=60, deadline=None)
@given(requests())
def test_filled_in_words_are_commands_that_were_not_run(asked: tuple[Request, ToldFacts]) -> None:
    request, facts = asked
    for tool in TOOL_NAMES:
        words = fill(tool, facts, request)
        if words is not None and tool != ANSWER:
            assert words not in {step.words for step in request.seen}
            parsed = parse(words)
            assert isinstance(parsed, Parsed)
            assert parsed.tool.name == tool


def test_simulated_situations_are_the_same_for_the_same_seed() -> None:
    one, other = list(situations(3, 40)), list(situations(3, 40))
    assert [each.gains for each in one] == [each.gains for each in other]
    assert {each.kind for each in one} == {each.kind for each in other}
    assert all(0 <= gain <= 1 for each in one for gain in each.gains.values())
