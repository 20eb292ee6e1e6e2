"""What a search over code finds first."""

from __future__ import annotations

import numpy as np
import pytest

from dspy_agent_core.index.bm25f import Corpus
from dspy_agent_core.index.fuse import fuse, reciprocal_rank_fusion
from dspy_agent_core.index.query import parse_query
from dspy_agent_core.index.rank import matched_fields, search
from dspy_agent_core.index.segment import Segment
from dspy_agent_core.index.terms import stem, terms_of, words_of
from tests.core.small_corpus import chunk_named, corpus_of, found, segment_of

SHOP = {
    "shop/cart.py": '''
"""The cart of a customer."""
import json

class Cart:
    """What a customer wants to buy."""

    def total(self):
        """Add up the prices."""
        return sum(price for _, price in self.items)

    def getUserName(self):
        return self.user.name

def load_cart(path):
    with open(path) as file:
        return json.load(file)

def write_file_atomically(path, data):
    temporary = path.with_suffix(".new")
    temporary.write_bytes(data)
    temporary.replace(path)
''',
    "shop/use.py": """
from shop.cart import load_cart, write_file_atomically

def save_all(carts):
    for cart in carts:
        load_cart(cart)
        load_cart(cart.copy)
        write_file_atomically(cart.path, cart.data)
""",
    "tests/test_cart.py": """
from shop.cart import load_cart

def test_load_cart():
    assert load_cart("x")
    assert load_cart("y")
""",
}


@pytest.mark.parametrize(
    ("text", "symbol"),
    [
        ("load_cart", "load_cart"),
        ("loadCart", "load_cart"),
        ("Cart", "Cart"),
        ("Cart.total", "Cart.total"),
        ("shop.cart.load_cart", "load_cart"),
        ("Cart::total", "Cart.total"),
        ("get user name", "Cart.getUserName"),
        ("get_user_name", "Cart.getUserName"),
        ("add up all prices", "Cart.total"),
        ("writing files atomically", "write_file_atomically"),
    ],
)
def test_the_definition_that_is_meant_comes_first(text: str, symbol: str) -> None:
    assert found(corpus_of(SHOP), text)[0].symbol == symbol


def test_a_definition_comes_before_its_uses_and_its_tests() -> None:
    places = found(corpus_of(SHOP), "load cart")
    assert places[0].symbol == "load_cart"
    assert {place.path for place in places[1:]} >= {"shop/use.py", "tests/test_cart.py"}


def test_one_file_does_not_fill_the_list() -> None:
    many = "\n".join(f"def parse_date_{n}(text):\n    return parse(text, date={n})\n" for n in range(30))
    one = "def parse_the_date(text):\n    return text\n"
    places = found(corpus_of({"many.py": many, "other.py": one}), "parse date", 5)
    assert "other.py" in [place.path for place in places]


@pytest.mark.parametrize(
    "path", ["tests/test_x.py", "examples/x.py", "vendor/x.py", "x_pb2.py", "node_modules/a/x.py"]
)
def test_the_projects_own_code_comes_before(path: str) -> None:
    text = "def read_lines(file):\n    return list(file)\n"
    places = found(corpus_of({path: text, "zz/own.py": text}), "read the lines of a file")
    assert [place.path for place in places] == ["zz/own.py", path]


def test_words_that_say_nothing_about_code_count_little() -> None:
    corpus = corpus_of(
        {
            "a.py": "def f():\n    print('what is the thing that should be where we are')\n",
            "b.py": "def retry(request):\n    return request.send()\n",
        }
    )
    assert found(corpus, "where is the thing that should retry a request")[0].path == "b.py"


def test_why_names_the_fields_and_the_words_as_written() -> None:
    corpus = corpus_of(SHOP)
    fields = matched_fields(corpus, chunk_named(corpus, "Cart.total"), parse_query("adding prices"))
    assert fields["doc"] == ["adding", "prices"]
    assert fields["body"] == ["prices"]


def test_neighbouring_words_find_the_joined_one() -> None:
    corpus = corpus_of({"a.py": "def basename(x):\n    return x\n", "b.py": "def other(y):\n    return y\n"})
    assert found(corpus, "the base name of a path")[0].symbol == "basename"


def test_only_what_the_mask_allows_is_found() -> None:
    corpus = corpus_of(SHOP)
    mask = corpus.alive.copy()
    mask[chunk_named(corpus, "load_cart")] = False
    hits = search(corpus, parse_query("load_cart"), 10, mask=mask)
    assert hits
    assert all(mask[hit.chunk] for hit in hits)


@pytest.mark.parametrize("text", ["", "   ", "?!", "\0", "the of and"])
def test_a_query_without_words_finds_nothing_or_little(text: str) -> None:
    assert found(corpus_of(SHOP), text) == [] or text == "the of and"


def test_a_dead_file_is_neither_found_nor_counted() -> None:
    kept = corpus_of({path: text for path, text in SHOP.items() if path != "shop/use.py"})
    whole = segment_of(SHOP)
    masked = Corpus([Segment(whole.arrays, np.array([True, False, True]))])
    scores = [
        [hit.score for hit in search(corpus, parse_query("load cart file"), 10)] for corpus in (masked, kept)
    ]
    assert scores[0] == pytest.approx(scores[1])


@pytest.mark.parametrize(
    ("word", "terms"),
    [
        ("parseHTTPDate2_utc", ("pars", "http", "date", "2", "utc", "parsehttpdate2utc")),
        ("files", ("file",)),
        ("__init__", ("init",)),
        ("x" * 100, ()),
    ],
)
def test_words_are_split_and_stemmed(word: str, terms: tuple[str, ...]) -> None:
    assert terms_of(word) == terms


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("parsing", "parse"),
        ("parsed", "parses"),
        ("queries", "query"),
        ("atomically", "atomic"),
        ("stopped", "stop"),
        ("classes", "class"),
        ("adding", "add"),
        ("indexes", "index"),
    ],
)
def test_inflections_have_one_stem(one: str, other: str) -> None:
    assert stem(one) == stem(other)


def test_a_word_before_a_parenthesis_is_marked() -> None:
    assert words_of("if f(x): g (y) # h") == ["if", "f(", "x", "g(", "y", "h"]


def test_fusion_prefers_what_both_lists_have() -> None:
    assert [item for item, _ in reciprocal_rank_fusion([(1, ["a", "b"]), (1, ["b", "c"])])] == ["b", "a", "c"]
    fused = fuse(["a", "b"], [], 0.5)
    assert [item for item, _ in fused] == ["a", "b"]
    assert fused[0][1] == pytest.approx(1.0)
