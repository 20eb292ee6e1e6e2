"""The shipped prior: for the features of today, and right about wordings that it was not made from."""

from __future__ import annotations

from dspy_agent.learning.prior_file import shipped_prior
from dspy_agent.suggest.features import NAMES
from dspy_agent.suggest.simulated.make import report
from dspy_agent.suggest.simulated.situations import situations


def test_it_knows_the_features_of_today() -> None:
    assert shipped_prior().names == NAMES


def test_it_knows_all_tools_of_the_contract() -> None:
    named = {
        "ctx",
        "codectx",
        "grep",
        "esearch",
        "plan",
        "tree",
        "ls",
        "index",
        "emb-index",
        "intel",
        "vretr",
    }
    assert named <= set(shipped_prior().arms)


def test_it_loses_little_on_wordings_that_it_was_not_made_from() -> None:
    found = report(shipped_prior(), situations(11, 400, held_out=True)).values()
    count = sum(number for number, _, _ in found)
    assert sum(number * best for number, best, _ in found) / count > 0.75
    assert sum(number * lost for number, _, lost in found) / count < 0.04  # a first hit that is opened: 0.5
