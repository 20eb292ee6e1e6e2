"""What is told apart in a task: own words and pasted output; and which lines are suspects."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.edits.answer import Rejected
from dspy_agent.edits.clues import in_own_words
from dspy_agent.edits.executed import Executed
from dspy_agent.edits.lines import suspects, with_line
from dspy_agent.edits.source import read_source
from dspy_agent.edits.splice import slot_of

PASTED = """\
tests/test_a.py::test_total fails, please mend it:

F                                                                        [100%]
=================================== FAILURES ===================================
__________________________________ test_total __________________________________

    def test_total():
>       assert total([10, 20]) == 30
E       assert 20 == 30
E
tests/test_a.py:5: AssertionError
=========================== short test summary info ============================
FAILED tests/test_a.py::test_total - assert 20 == 30
1 failed in 0.10s
It was right before."""


def test_pasted_output_is_none_of_the_own_words() -> None:
    words = [line for line in in_own_words(PASTED).split("\n") if line]
    assert words == ["tests/test_a.py::test_total fails, please mend it:", "It was right before."]


def test_the_lines_that_only_failing_tests_run_are_suspects() -> None:
    outcomes = {"one": "failed", "two": "passed", "three": "passed"}
    counts = {"a.py": {1: (1, 2), 2: (1, 2), 3: (1, 0), 4: (0, 2), 9: (1, 0)}}
    executed = Executed(counts, outcomes)
    assert executed.suspects("a.py", 1, 5) == [3]
    assert executed.suspects("a.py", 1, 2) == []
    assert executed.suspects("b.py", 1, 5) == []


def test_lines_that_decide_come_before_plain_ones(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text(
        "def f(x):\n    y = x.z\n    log(y)\n    if y > 3:\n        return y\n    else:\n        pass\n"
    )
    source = read_source(tmp_path, "a.py")
    symbol = source.symbol("f", 1)
    assert symbol is not None
    counts = {"a.py": dict.fromkeys(range(2, 8), (1, 1))}
    executed = Executed(counts, {"one": "failed", "two": "passed"})
    slot = slot_of(source, symbol)
    assert suspects(executed, slot, 8) == [3, 4, 2, 1]
    assert suspects(executed, slot, 2) == [3, 4]


def test_a_line_is_put_in_its_place_with_its_margin(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("def f(x):\n    if x > 3:\n        return x\n")
    source = read_source(tmp_path, "a.py")
    symbol = source.symbol("f", 1)
    assert symbol is not None
    slot = slot_of(source, symbol)
    assert with_line(slot, 1, "```python\n if x >= 3:\n") == (
        "```python\ndef f(x):\n    if x >= 3:\n        return x\n```"
    )
    for same in ("```python\nif x > 3:\n```", "", "```python\n```"):
        with pytest.raises(Rejected):
            with_line(slot, 1, same)
