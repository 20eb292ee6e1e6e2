"""A definition that a model wrote, beside the one that it replaces."""

from __future__ import annotations

import pytest

from dspy_agent.edits.answer import Rejected
from dspy_agent.edits.python_answer import written_python

BLOCK = "def f(self):\n    return 2\n"


@pytest.mark.parametrize("original", [("    def f(self):", "        return 1"), ("",)])
def test_what_can_not_be_read_by_itself_is_not_replaced(original: tuple[str, ...]) -> None:
    with pytest.raises(Rejected, match="can't be parsed by itself"):
        written_python(BLOCK, "f", original, frozenset(), "    ")
