"""``intel``: what is known about a question, and the evidence for each item."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.tools.arguments import IntelArguments
from dspy_agent.tools.base import ToolContext
from dspy_agent.tools.intel import notes, run
from dspy_agent_core.contracts.results import Hit, Hits
from dspy_agent_core.errors import UsageError

CART = '''
class Cart:
    """What a customer wants to buy."""

    def total(self):
        """Add up the prices."""
        return sum(lookup(item) for item in self.items)

def lookup(item):
    return PRICES[item]
'''
PAY = '''
from shop.cart import Cart

def checkout(cart: Cart):
    """Let the customer pay."""
    return charge(cart.total())

def charge(amount):
    return amount
'''
TEST = """
from shop.pay import checkout

def test_checkout():
    assert checkout(None)
"""
LOG = """
2026-03-01 10:00:00,012 INFO shop: started
2026-03-01 10:00:01,012 ERROR shop: checkout failed
Traceback (most recent call last):
  File "{root}/shop/pay.py", line 6, in checkout
    return charge(cart.total())
  File "{root}/shop/cart.py", line 10, in lookup
    return PRICES[item]
KeyError: 'teapot'
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for path, text in (("shop/cart.py", CART), ("shop/pay.py", PAY), ("tests/test_pay.py", TEST)):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs/app.log").write_text(LOG.format(root=tmp_path))
    return tmp_path


def ask(workspace: Path, text: str, **arguments: object) -> Hits:
    return run(IntelArguments(words=[text], **arguments), ToolContext(workspace))  # type: ignore[arg-type]


def by_symbol(result: Hits) -> dict[str | None, Hit]:
    return {hit.symbol: hit for hit in result.hits}


def test_a_question_about_a_failure_finds_where_it_happened_and_who_is_tied_to_that(shop: Path) -> None:
    hits = by_symbol(ask(shop, "why does checkout fail"))
    assert any(reason.startswith("log: KeyError: 'teapot'") for reason in hits["lookup"].evidence or ())
    assert any(reason.startswith("text #1: name checkout") for reason in hits["checkout"].evidence or ())
    assert "graph: tests checkout" in (hits["test_checkout"].evidence or ())
    assert "graph: called by checkout" in (hits["charge"].evidence or ())


def test_each_item_names_its_evidence_also_in_one_line(shop: Path) -> None:
    for hit in ask(shop, "why does checkout fail").hits:
        assert hit.evidence
        assert hit.why == "; ".join(hit.evidence)


@pytest.mark.parametrize(
    ("part", "mark"), [("graph", "graph:"), ("logs", "log:"), ("text", "text #"), ("vectors", "vectors #")]
)
def test_a_part_can_be_left_out(shop: Path, part: str, mark: str) -> None:
    result = ask(shop, "why does checkout fail", without=[part])
    assert result.hits
    assert not any(mark in reason for hit in result.hits for reason in hit.evidence or ())


def test_a_question_that_is_about_no_failure_is_not_answered_by_logs(shop: Path) -> None:
    result = ask(shop, "customer buys things", without=["graph"])
    assert not any("log:" in reason for hit in result.hits for reason in hit.evidence or ())


def test_the_answer_keeps_to_its_budget(shop: Path) -> None:
    long = "\n".join(f"    value = prices[{n}]" for n in range(40))
    many = "\n".join(f"def price_{n}(prices):\n{long}\n    return value\n" for n in range(30))
    (shop / "shop/many.py").write_text(many)
    small, large = (ask(shop, "value of prices", budget=budget, max_hits=100) for budget in (300, 6000))
    assert small.truncated
    assert sum(len(hit.text or "") for hit in small.hits) <= 300 * 3.5
    assert len(large.hits) > len(small.hits)


def test_without_a_model_for_vectors_it_says_nothing_unless_there_are_vectors(
    shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DSPY_AGENT_EMBEDDING_MODEL", "nothing:known")
    result = ask(shop, "checkout")
    assert result.hits
    assert notes(result, IntelArguments()) == []
    (shop / ".dspy_index/vectors").mkdir()
    assert "Without vectors" in " ".join(notes(ask(shop, "checkout"), IntelArguments()))


def test_without_logs_it_answers_from_code(shop: Path) -> None:
    (shop / "logs/app.log").unlink()
    assert by_symbol(ask(shop, "why does checkout fail"))["checkout"]


def test_nothing_known_is_said(tmp_path: Path) -> None:
    result = ask(tmp_path, "anything")
    assert not result
    assert notes(result, IntelArguments()) == ["Nothing here is known of that."]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"without": ["sound"]}, "UnknownPart"),
        ({"without": ["text", "vectors", "logs"]}, "NoParts"),
    ],
)
def test_parts_that_can_not_be_are_refused(shop: Path, arguments: dict[str, object], code: str) -> None:
    with pytest.raises(UsageError) as caught:
        ask(shop, "checkout", **arguments)
    assert caught.value.code == code


def test_no_words_are_refused(shop: Path) -> None:
    with pytest.raises(UsageError) as caught:
        ask(shop, " ")
    assert caught.value.code == "NoQuery"
