"""A definition that a model wrote, beside the one that it replaces."""

from __future__ import annotations

from pathlib import Path

import pytest

from dspy_agent.edits.answer import Rejected
from dspy_agent.edits.python_answer import written_python
from dspy_agent.edits.source import read_source
from dspy_agent.edits.splice import rewritten, slot_of

BLOCK = "def f(self):\n    return 2\n"


@pytest.mark.parametrize("original", [("    def f(self):", "        return 1"), ("",)])
def test_what_can_not_be_read_by_itself_is_not_replaced(original: tuple[str, ...]) -> None:
    with pytest.raises(Rejected, match="can't be parsed by itself"):
        written_python(BLOCK, "f", original, frozenset(), "    ")


def test_a_docstring_with_a_line_at_the_margin_keeps_a_method_editable(tmp_path: Path) -> None:
    shown = '"""Do.\n\n        >>> A(a, \\\nb)\n        """'
    text = f"class A:\n    def f(self):\n        {shown}\n        return 1\n"
    (tmp_path / "a.py").write_text(text)
    source = read_source(tmp_path, "a.py")
    symbol = source.symbol("A.f", 2)
    assert symbol is not None
    made = rewritten(slot_of(source, symbol), "```python\ndef f(self):\n    return 2\n```").decode()
    assert made == text.replace("return 1", "return 2")
