"""How chunks are tied to each other, and what walks from a few of them reach."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent_core.index.graph import Edge, Graph, neighbourhood, personalised_pagerank
from dspy_agent_core.index.places import place_of
from tests.core.small_corpus import chunk_named, corpus_of

FILES = {
    "shop/store.py": """
class Base:
    def save(self):
        return self.write_down()

class Store(Base):
    def write_down(self):
        return helper(self)

def helper(store):
    return store
""",
    "shop/other.py": """
def helper(text):
    return text.strip()

def get(key):
    return key
""",
    "shop/use.py": """
from shop.store import Store, helper

def main():
    store = Store()
    names = {}
    names.get("x")
    return helper(store)
""",
    "tests/test_store.py": """
from shop.store import helper

def test_helper():
    assert helper(1) == 1
""",
}


def ties(symbol: str, path: str | None = None) -> set[tuple[str, str]]:
    corpus = corpus_of(FILES)
    graph = Graph(corpus)
    return {
        (edge.relation, place_of(corpus, edge.target).symbol)
        for edge in graph.edges(chunk_named(corpus, symbol, path))
    }


@pytest.mark.parametrize(
    ("symbol", "relation", "other"),
    [
        ("main", "calls", "helper"),
        ("main", "calls", "Store"),
        ("Store.write_down", "calls", "helper"),
        ("Store", "inherits from", "Base"),
        ("Base", "base of", "Store"),
        ("Base", "contains", "Base.save"),
        ("Base.save", "part of", "Base"),
        ("test_helper", "tests", "helper"),
    ],
)
def test_a_chunk_is_tied_to(symbol: str, relation: str, other: str) -> None:
    assert (relation, other) in ties(symbol)


def test_the_inverse_is_known_too() -> None:
    assert {("called by", "main"), ("called by", "Store.write_down"), ("tested by", "test_helper")} <= ties(
        "helper", "shop/store.py"
    )


def test_an_import_decides_which_namesake_is_called() -> None:
    assert ties("helper", "shop/other.py") == set()


def test_a_method_that_every_dict_has_is_not_taken_for_a_function_elsewhere() -> None:
    assert ("calls", "get") not in ties("main")


def test_relations_hold_across_segments() -> None:
    parts = [{path: text} for path, text in FILES.items()]
    corpus = corpus_of(*parts)
    graph = Graph(corpus)
    targets = {
        place_of(corpus, edge.target).path
        for edge in graph.edges(chunk_named(corpus, "main"))
        if edge.relation == "calls"
    }
    assert targets == {"shop/store.py"}


def test_a_neighbourhood_has_a_limit() -> None:
    many = "\n".join(f"def f{n}():\n    return center()\n" for n in range(60))
    corpus = corpus_of({"a.py": f"def center():\n    return 1\n{many}"})
    edges = neighbourhood(Graph(corpus), [chunk_named(corpus, "center")], 20)
    assert len({edge.target for edge in edges} | {edge.source for edge in edges}) <= 20


def test_walks_stay_near_to_where_they_start() -> None:
    edges = [Edge(1, 2, "calls", 1.0), Edge(2, 3, "calls", 1.0), Edge(3, 4, "calls", 1.0)]
    ranks = personalised_pagerank(edges, {1: 1.0})
    assert ranks[1] > ranks[2] > ranks[3] > ranks[4] > 0


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9), st.floats(0.1, 2)), max_size=30),
    st.dictionaries(st.integers(0, 9), st.floats(0.1, 5), min_size=1),
)
def test_the_shares_of_walks_add_up_to_one(
    pairs: list[tuple[int, int, float]], seeds: dict[int, float]
) -> None:
    ranks = personalised_pagerank([Edge(a, b, "calls", w) for a, b, w in pairs if a != b], seeds)
    assert sum(ranks.values()) == pytest.approx(1.0)
    assert all(rank >= 0 for rank in ranks.values())


def test_without_seeds_there_is_no_walk() -> None:
    assert personalised_pagerank([Edge(1, 2, "calls", 1.0)], {}) == {}
