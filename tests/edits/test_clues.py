"""What is told apart in a task: own words and pasted output; and which lines are suspects."""

from __future__ import annotations

from dspy_agent.edits.clues import in_own_words
from dspy_agent.edits.executed import Executed

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
