"""Buckets cover all decisions once, and the plot shows each of them whatever they earned."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.learning.curve import HEIGHT, WIDTH, buckets, plot
from dspy_agent.learning.history import Earned

_REWARDS = st.lists(st.floats(-1, 1), min_size=1, max_size=400)


def _earned(rewards: list[float]) -> list[Earned]:
    return [Earned(f"{n:x}", f"t{n}", "grep", "user", reward) for n, reward in enumerate(rewards)]


@given(_REWARDS)
def test_buckets_cover_all_decisions_once_in_equal_parts(rewards: list[float]) -> None:
    found = buckets(_earned(rewards))
    assert len(found) <= WIDTH
    assert [one.first for one in found] == [
        sum(other.decisions for other in found[:number]) for number in range(len(found))
    ]
    assert sum(one.decisions for one in found) == len(rewards)
    assert len({one.decisions for one in found[:-1]}) <= 1
    for one in found:
        some = rewards[one.first : one.first + one.decisions]
        assert abs(one.mean - sum(some) / len(some)) < 1e-3
        assert one.low is None or one.high is None or one.low <= one.mean <= one.high


@given(_REWARDS, st.booleans())
def test_each_column_has_one_mark_at_its_height(rewards: list[float], plain: bool) -> None:
    found = buckets(_earned(rewards))
    lines = plot(found, ascii_only=plain)
    grid = [line[10:].ljust(len(found)) for line in lines[:HEIGHT]]
    scale = [float(line[:7]) for line in lines[:HEIGHT]]
    step = scale[0] - scale[1]
    for number, one in enumerate(found):
        (row,) = [row for row, line in enumerate(grid) if line[number] in "●*"]
        assert abs(scale[row] - one.mean) <= step / 2 + 2e-3
    assert max(map(len, lines)) <= 80
    assert not plain or "".join(lines).isascii()
