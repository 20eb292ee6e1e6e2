"""What the router keeps: bounded, each context once, and pages that miss nothing."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.streams.router_store import RouterStore
from tests.streams.test_router import context, result


def filled(*apps: str, contexts: int = 0, most: int = 1000) -> RouterStore:
    store = RouterStore(apps, most)
    for number in range(contexts):
        made = context(apps[number % len(apps)], 0, id=f"{number}")
        store.add_context(made, str(number).encode())
    return store


def test_the_oldest_go_when_there_are_too_many() -> None:
    store = filled("web", contexts=30, most=10)
    assert store.contexts(("web",), None, 1000).contexts == tuple(str(n).encode() for n in range(20, 30))
    assert store.state("web").windows == 30


def test_the_oldest_go_when_they_are_too_large() -> None:
    store = RouterStore(["web", "job"])
    for number in range(40):
        store.add_context(context("web", 0, id=str(number)), bytes([number]) * (1 << 20))
    state = store.state("web")
    assert state.contexts == 16
    assert state.bytes <= 16 << 20
    page = store.contexts(("web",), None, 1000, max_bytes=3 << 20)
    assert [value[0] for value in page.contexts] == [37, 38, 39]


def test_one_that_is_larger_than_a_page_comes_alone() -> None:
    store = filled("web", contexts=1)
    cursor = store.contexts(("web",), None, 1).cursor
    for number in (1, 2):
        store.add_context(context("web", 0, id=str(number)), b"x" * 100)
    page = store.contexts(("web",), cursor, 10, max_bytes=50)
    assert len(page.contexts) == 1
    assert len(store.contexts(("web",), page.cursor, 10, max_bytes=50).contexts) == 1


@given(
    before=st.integers(0, 20),
    later=st.lists(st.sampled_from(["web", "job"]), max_size=30),
    limits=st.lists(st.integers(1, 5), min_size=1, max_size=40),
)
def test_pages_give_each_context_once_and_in_order(before: int, later: list[str], limits: list[int]) -> None:
    store = filled("web", "job", contexts=before)
    cursor = store.contexts(("web",), None, 1000).cursor
    for number, app in enumerate(later):
        store.add_context(context(app, 0, id=f"later {number}"), f"{app} {number}".encode())
    seen: list[bytes] = []
    for limit in [*limits, 1000]:
        page = store.contexts(("web",), cursor, limit)
        assert len(page.contexts) <= limit
        seen += page.contexts
        cursor = page.cursor
    assert seen == [f"web {number}".encode() for number, app in enumerate(later) if app == "web"]


def test_who_waits_is_woken_by_a_context_of_the_app_only() -> None:
    store = filled("web", "job", contexts=2)
    cursor = store.contexts(("web",), None, 10).cursor
    woken: list[tuple[bytes, ...]] = []
    waiting = threading.Thread(
        target=lambda: woken.append(store.contexts(("web",), cursor, 10, wait=20).contexts)
    )
    waiting.start()
    store.add_context(context("job", 0, id="a"), b"job")
    store.add_context(context("web", 0, id="b"), b"web")
    waiting.join(20)
    assert woken == [(b"web",)]


def test_an_older_result_does_not_hide_a_newer_one() -> None:
    store = filled("web")
    for second in (5, 9, 3):
        store.add_result(result("web", second, "x"), str(second).encode())
    assert store.results(("web",)) == [b"9"]
