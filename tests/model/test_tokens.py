"""Tokens are counted a little high, quickly, and the count learns from the server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.model.tokens import TEMPLATE_TOKENS, Counter, estimate

# What the tokenizer of the Qwen models counts.
KNOWN = [
    ("def add(a, b):\n    return a + b\n", 12),
    ("The quick brown fox jumps over the lazy dog. " * 10, 101),
    ('{"level": "error", "count": 12345, "message": "connection refused"}', 23),
]


@pytest.mark.parametrize(("text", "tokens"), KNOWN)
def test_the_count_is_near_and_not_below(text: str, tokens: int) -> None:
    assert tokens <= Counter().count(text) <= 1.5 * tokens + 3


@given(st.text(max_size=200), st.text(max_size=200))
def test_more_text_has_more_tokens(one: str, other: str) -> None:
    assert estimate(one + "\n" + other) >= max(estimate(one), estimate(other)) * 0.5
    assert Counter().count(one) >= 1


def test_the_count_learns_from_long_prompts_and_not_from_what_a_template_adds() -> None:
    counter = Counter()
    before = counter.count("word " * 100)
    counter.learn(50, 50 + TEMPLATE_TOKENS)
    assert counter.count("word " * 100) == before
    counter.learn(1000, 1300)
    assert 1.2 * before < counter.count("word " * 100) < 1.5 * before


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", ["a", "1", "{", "\n", " ", "\u6f22", "aA", "\x00"])
def test_long_texts_are_counted_in_one_pass(unit: str) -> None:
    assert estimate(unit * 300_000) > 1
