"""Folding contexts and counting what is followed: nothing is counted twice or lost, in any order."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from dspy_agent.logs.merge import fold, join
from dspy_agent.logs.totals import Totals
from dspy_agent_core.contracts.messages import Context
from dspy_agent_core.contracts.results import LogContext, LogEvent
from dspy_agent_core.logs.levels import WARNING
from tests.agent.test_ctx_router import boom, context

_TEXTS = st.one_of(
    st.sampled_from([f"login failed for user {name}" for name in ("ann", "bob", "eve", "joe", "kim", "lee")]),
    st.text(max_size=20),
)


@st.composite
def _events(draw: st.DrawFn) -> LogEvent:
    if draw(st.booleans()):
        return boom(draw(st.integers(0, 59)), draw(st.integers(1, 9)), draw(st.sampled_from([None, 0, 3])))
    last = draw(st.sampled_from([None, "2026-01-01T00:00:10Z", "no time", "2026-01-01"]))
    text, count = draw(_TEXTS), draw(st.integers(1, 9))
    return LogEvent(draw(st.sampled_from(["warning", "error", "odd"])), text, count, last=last)


@st.composite
def _contexts(draw: st.DrawFn) -> list[Context]:
    seconds = draw(st.lists(st.integers(0, 59), unique=True, max_size=8))
    made = [context(draw(st.sampled_from(["web", "job"])), s, *draw(st.lists(_events(), max_size=5)))
            for s in seconds]  # fmt: skip
    return draw(st.permutations(made))


def _nowhere(path: str) -> str | None:
    return None


@given(_contexts())
@settings(deadline=None)
def test_folding_keeps_all_counts(contexts: list[Context]) -> None:
    folded = fold(contexts, 0, None, _nowhere)
    wanted: Counter[str | None] = Counter()
    for made in contexts:
        wanted[made.app] += sum(event.count for event in made.events)
    found: Counter[str | None] = Counter()
    for event in folded.events:
        found[event.app] += event.count
    assert +found == +wanted
    assert folded.lines_read == 10 * len(contexts)


@given(_contexts())
@settings(deadline=None)
def test_folding_does_not_ask_for_an_order(contexts: list[Context]) -> None:
    again = list(reversed(contexts))
    assert fold(contexts, WARNING, None, _nowhere) == fold(again, WARNING, None, _nowhere)


@given(_contexts(), st.one_of(st.none(), st.integers(1, 10)), st.one_of(st.none(), st.integers(1, 200)))
@settings(deadline=None)
def test_what_does_not_fit_is_counted_and_no_exception_goes(
    contexts: list[Context], limit: int | None, budget: int | None
) -> None:
    remote = fold(contexts, 0, None, _nowhere)
    both = join(LogContext(), remote, {}, limit, budget)
    kept = sum(event.count for event in both.events)
    hidden = sum(item.lines for item in both.hidden)
    assert kept + hidden == sum(event.count for event in remote.events)
    assert sum(e.type is not None for e in both.events) == sum(e.type is not None for e in remote.events)


@given(st.lists(st.tuples(st.lists(_events(), max_size=4), st.floats(0, 2)), max_size=10))
@settings(deadline=None)
def test_following_tells_every_event_in_the_end(batches: list[tuple[list[LogEvent], float]]) -> None:
    totals = Totals(began=False)
    now = 0.0
    told: list[LogEvent] = []
    for events, seconds in batches:
        now += seconds
        if (found := totals.add(LogContext(events=events), now)) is not None:
            told += found.events
    told += totals.rest(now).events
    assert sum(event.count - (event.before or 0) for event in told) == sum(
        event.count for events, _ in batches for event in events
    )
