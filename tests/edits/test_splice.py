"""What a model writes is put in the place of a symbol, and nothing else of the file changes."""

from __future__ import annotations

import ast
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits.answer import Rejected
from dspy_agent.edits.source import Source, decode
from dspy_agent.edits.splice import rewritten, slot_of
from dspy_agent_core.errors import WorkspaceError

MODULE = '''\
"""A module."""
import os

LIMIT = 3


def deco(f):
    return f


class Box:
    """Holds things."""

    size = 1

    @deco
    @staticmethod
    def put(items, thing):
        """Put a thing in.

        Keeps the order.
        """
        # the newest comes last
        items.append(thing)

        return len(items) + 1

    def get(self):
        def inner():
            return 1
        return inner()


def top(a,
        b=2):
    return a - b
'''


def source(text: str = MODULE, path: str = "pkg/mod.py") -> Source:
    return decode(path, text.encode())


def edit(answer: str, name: str, text: str = MODULE, path: str = "pkg/mod.py") -> str:
    here = source(text, path)
    symbol = here.symbol(name)
    assert symbol is not None
    return rewritten(slot_of(here, symbol), answer).decode()


def test_only_the_symbol_changes_and_prose_around_the_fence_is_dropped() -> None:
    answer = "Sure! Here it is:\n```python\ndef top(a,\n        b=2):\n    return a + b\n```\nThat adds them."
    assert edit(answer, "top") == MODULE.replace("a - b", "a + b")


def test_a_method_is_put_at_its_indentation_and_keeps_decorators_docstring_and_comments() -> None:
    answer = "```python\ndef put(items, thing):\n    items.append(thing)\n    return len(items)\n```"
    assert edit(answer, "Box.put") == MODULE.replace("len(items) + 1", "len(items)").replace(
        "append(thing)\n\n", "append(thing)\n\n"
    )


def test_a_method_is_found_within_the_class_that_the_answer_repeats() -> None:
    answer = "class Box:\n    size = 1\n\n    def get(self):\n        return 2\n"
    assert edit(answer, "Box.get") == MODULE.replace(
        "        def inner():\n            return 1\n        return inner()", "        return 2"
    )


def test_a_nested_function_can_be_the_symbol() -> None:
    assert edit("```\ndef inner():\n    return 5\n```", "Box.get.inner") == MODULE.replace(
        "return 1\n        return inner", "return 5\n        return inner"
    )


def test_a_class_is_replaced_whole_or_not_at_all() -> None:
    with pytest.raises(Rejected, match="leaves out get"):
        edit("class Box:\n    def put(items, thing):\n        return 1\n", "Box")
    answer = "class Box:\n    size = 2\n    def put(items, thing):\n        return 1\n"
    answer += "    def get(self):\n        pass\n"
    assert "size = 2" in edit(answer, "Box")
    assert '"""Holds things."""' in edit(answer, "Box")


def test_new_imports_go_to_the_head_and_used_helpers_before_the_symbol() -> None:
    answer = """\
        import os
        import math
        from typing import Any

        def unused():
            pass

        def helper(x: Any):
            return math.floor(x)

        def get(self):
            return helper(os.sep)

        print(get(None))
        """
    changed = edit(textwrap.dedent(answer), "Box.get")
    assert changed.startswith('"""A module."""\nimport os\nimport math\nfrom typing import Any\n\nLIMIT')
    assert "def helper(x: Any):\n    return math.floor(x)\n\n\nclass Box:" in changed
    assert "unused" not in changed
    assert "print" not in changed


def test_line_ends_tabs_and_a_missing_last_line_feed_stay() -> None:
    text = "import os\r\n\r\ndef a():\r\n\tif 1:\r\n\t\treturn 1\r\n\r\ndef b():\r\n\treturn 2"
    changed = edit("```python\ndef b():\n    if True:\n        return 3\n```", "b", text)
    assert changed == text.replace("\treturn 2", "\tif True:\r\n\t\treturn 3")
    assert edit("def a():\n    return 9\n", "a", text) == text.replace(
        "\tif 1:\r\n\t\treturn 1", "\treturn 9"
    )


def test_two_blanks_stay_two() -> None:
    text = "class A:\n  def f(self):\n    if self:\n      return 1\n"
    changed = edit("def f(self):\n    if not self:\n        return 1\n", "A.f", text)
    assert changed == text.replace("if self", "if not self")


def test_strings_over_several_lines_are_not_moved() -> None:
    text = 'class A:\n    def f(self):\n        x = """\nleft\n  two\n"""\n        return x + "a"\n'
    here = source(text)
    symbol = here.symbol("A.f")
    assert symbol is not None
    slot = slot_of(here, symbol)
    assert slot.text == 'def f(self):\n    x = """\nleft\n  two\n"""\n    return x + "a"'
    assert rewritten(slot, slot.text.replace('"a"', '"b"')).decode() == text.replace('"a"', '"b"')


def test_bytes_that_are_not_utf8_and_declared_encodings_stay() -> None:
    raw = b"# caf\xe9\ndef f():\n    return 1\n"
    here = decode("a.py", raw)
    symbol = here.symbol("f")
    assert symbol is not None
    assert rewritten(slot_of(here, symbol), "def f():\n    return 2\n") == raw.replace(b"1", b"2")
    raw = "# -*- coding: latin-1 -*-\nX = 'é'\ndef f():\n    return 1\n".encode("latin-1")
    here = decode("a.py", raw)
    symbol = here.symbol("f")
    assert symbol is not None
    assert rewritten(slot_of(here, symbol), "def f():\n    return 'ü'\n") == raw.replace(
        b"1\n", b"'\xfc'\n"
    ).replace(b"latin-'\xfc'\n", b"latin-1\n")
    with pytest.raises(Rejected, match="lacks"):
        rewritten(slot_of(here, symbol), "def f():\n    return '→'\n")


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("", "no code"),
        ("I can't do that.", "can't be parsed|defines nothing"),
        ("```python\ndef other():\n    return 1\n```", "defines other, not top"),
        ("```python\ndef top(a, b=2):\n    return (a\n```", "can't be parsed"),
        ("```python\ndef top(a, b=2):\n    # ... existing code ...\n    return a\n```", "leaves code out"),
        ("```python\ndef top(a,\n        b = 2):\n    return a - b  # same\n```", "changes nothing"),
        ("```python\ndef top(a, b=2):\n    '''Doc.", "can't be parsed"),
    ],
)
def test_answers_that_can_not_be_used_say_why(answer: str, reason: str) -> None:
    with pytest.raises(Rejected, match=reason):
        edit(answer, "top")


def test_an_answer_without_fence_ends_where_its_prose_begins() -> None:
    answer = "The fix:\n\ndef top(a,\n        b=2):\n    return a + b\n\nThis is right because it's a sum.\n"
    assert edit(answer, "top") == MODULE.replace("a - b", "a + b")


JS = """\
import fs from 'fs';

export class Box {
  // gets
  get(a) {
    return a + 1;
  }

  put(b) { return b; }
}

export const twice = (x) => {
  return x * 3;
};
"""


def test_javascript_methods_and_arrow_functions() -> None:
    answer = "```js\nget(a) {\n    if (a) {\n        return a;\n    }\n}\n```"
    assert edit(answer, "Box.get", JS, "a.js") == JS.replace(
        "    return a + 1;\n", "    if (a) {\n      return a;\n    }\n"
    )
    answer = "```js\nimport path from 'path';\nconst twice = (x) => {\n  return x * 2;\n};\n```"
    assert edit(answer, "twice", JS, "a.js") == JS.replace("x * 3", "x * 2").replace(
        "'fs';\n", "'fs';\nimport path from 'path';\n"
    )
    with pytest.raises(Rejected, match="brackets"):
        edit("const twice = (x) => {\n  return x * 2;\n", "twice", JS, "a.js")
    with pytest.raises(Rejected, match="changes nothing"):
        edit("const twice = (x) => {\nreturn x*3;\n};", "twice", JS, "a.js")


def test_go_methods() -> None:
    text = "package a\n\ntype Box struct{ n int }\n\nfunc (b *Box) Get() int {\n\treturn b.n + 1\n}\n"
    answer = "```go\nfunc (b *Box) Get() int {\n    return b.n\n}\n```"
    assert edit(answer, "Box.Get", text, "a.go") == text.replace("b.n + 1", "b.n")


def test_what_shares_a_line_can_not_be_edited() -> None:
    here = source("const a = () => 1, b = () => 2;\n", "a.js")
    symbol = here.symbol("a")
    assert symbol is not None
    with pytest.raises(WorkspaceError, match="shares a line"):
        slot_of(here, symbol)


PIECES = (
    *(
        "def top(a):",
        "class Box:",
        "def get(self):",
        "    def put(x, y):",
        "        return 1",
        "    return 2",
    ),
    *("    pass", "```python", "```", '    """', "@deco", "import math", "    # ...", "prose, here", ""),
)


@given(
    st.sampled_from(["top", "Box", "Box.put", "Box.get", "Box.get.inner"]),
    st.lists(st.sampled_from(PIECES), max_size=9),
)
def test_whatever_is_answered_the_rest_of_the_file_stays(name: str, lines: list[str]) -> None:
    here = source()
    symbol = here.symbol(name)
    assert symbol is not None
    try:
        changed = rewritten(slot_of(here, symbol), "\n".join(lines)).decode()
    except Rejected:
        return
    ast.parse(changed)
    before = here.lines[: symbol.line - 1]
    head = changed.startswith("".join(before)) or "import math\n" in changed
    assert head
    assert changed.endswith("".join(here.lines[symbol.end_line :]))


def test_a_docstring_with_a_line_at_the_margin_keeps_a_method_editable() -> None:
    shown = '"""Do.\n\n        >>> A(a, \\\nb)\n        """'
    text = f"class A:\n    def f(self):\n        {shown}\n        return 1\n"
    made = edit("```python\ndef f(self):\n    return 2\n```", "A.f", text)
    assert made == text.replace("return 1", "return 2")
