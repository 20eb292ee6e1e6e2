"""Small mechanical changes: what they are, what the failing tests accept, and what an edit makes of it."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits import EditOptions, edit
from dspy_agent.edits.mutations import Mutation, mutations
from dspy_agent.edits.screen import screen
from dspy_agent.model.access import open_model
from dspy_agent.tools.base import ToolContext
from dspy_agent_core.errors import ModelError
from tests.edits.kit import PYTEST, SHOP, make_shop, snapshot


def new_lines(text: str, most: int = 500) -> list[str]:
    scores = dict.fromkeys(range(1, text.count("\n") + 2), 1.0)
    return [
        one.applied(text).split("\n")[one.line - 1].strip() for one in mutations("a.py", text, scores, most)
    ]


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("if a < b: pass", "if a <= b: pass"),
        ("if not a: pass", "if a: pass"),
        ("while a(b): pass", "while not a(b): pass"),
        ("return a and b", "return a or b"),
        ("return a and b", "return b"),
        ("return a is None", "return a is not None"),
        ("return a not in b", "return a in b"),
        ("a += b", "a -= b"),
        ("return a + 1", "return a"),
        ("return a[b + 1:]", "return a[b:]"),
        ("return a[:-1]", "return a[:]"),
        ("return a[1:]", "return a[1:-1]"),
        ("return 'é', a // b", "return 'é', a % b"),
        ("return a.lstrip()", "return a.strip()"),
        ("return max(a, b)", "return min(a, b)"),
        ("return f(a, b)", "return f(b, a)"),
        ("for c in a: break", "for c in a: continue"),
        ("c = a; return None", "c = a; return c"),
        ("return [c for c in a if c.x]", "return [c for c in a if not c.x]"),
        ("return a(b, True)", "return a(b, False)"),
        ("return a['x'] + b['y']", "return a['y'] + b['y']"),
        ("return a + a", "return a + b"),
        ("return -a", "return a"),
        ("return a[0]", "return a[1]"),
    ],
)
def test_a_wrong_token_has_the_right_one_among_its_neighbours(wrong: str, right: str) -> None:
    assert right in new_lines(f"def f(a, b):\n    {wrong}\n")


def test_defaults_are_changed_and_what_is_outside_is_not() -> None:
    text = "X = 1\ndef f(a, b=2):\n    return a < b\ndef g(a):\n    return a < 1\n"
    found = mutations("a.py", text, {2: 1.0, 3: 0.5}, 100)
    assert {one.line for one in found} == {2, 3}
    assert "def f(a, b=1):" in new_lines(text)
    assert found[0].line == 2
    assert mutations("a.py", "def f(:", {1: 1.0}, 9) == []


def test_a_default_is_as_suspicious_as_where_the_function_begins() -> None:
    text = "def f(a, b=2, *, c=True):\n    if a:\n        return b\n    return a - 1\n"
    found = mutations("a.py", text, {2: 0.5, 4: 0.9}, 100)
    changed = {one.applied(text).split("\n")[0] for one in found if one.line == 1}
    assert {"def f(a, b=1, *, c=True):", "def f(a, b=2, *, c=False):"} <= changed
    assert found[0].line == 4
    assert not [one for one in found if one.line == 3]


PIECES = [
    "a",
    "b",
    "'é'",
    "0",
    "1",
    "a.x",
    "f(a, b)",
    "a[1:]",
    "(not b)",
    "(a, b)",
    "a < b",
    "(a if b else 1)",
    "[c for c in a if c]",
]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(PIECES), st.sampled_from([" + ", " and ", " < ", " // ", " in ", " or\\\n  "])
        ),
        min_size=1,
        max_size=4,
    )
)
def test_each_change_is_where_it_says_and_of_this_line_only(parts: list[tuple[str, str]]) -> None:
    body = "".join(piece + join for piece, join in parts) + "b"
    text = f"# ünï\r\ndef f(a, b):\r\n    c = {body}\r\n    return c\r\n"
    ast.parse(text)
    for one in mutations("a.py", text, {3: 1.0}, 300):
        assert text[one.start : one.start + len(one.old)] == one.old
        assert one.old != one.new
        changed = one.applied(text)
        assert changed != text
        assert changed.startswith("# ünï\r\ndef f(a, b):\r\n    c = ")
        assert changed.endswith("\r\n    return c\r\n")


CODE = """\
import asyncio
import functools
import time


def plain(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)

    return inner


class Box:
    @plain
    def more(self, a):
        return a - 1

    @staticmethod
    def spin(a):
        while a > 3:
            a -= 1
        return a


def least(a, b=3):
    return a + b


def named(a, *, sign=-1, add=None):
    return a * sign


async def later(a):
    await asyncio.sleep(0)
    return a * 2
"""
CODE_TESTS = """\
import asyncio

from code_ import Box, later, least, named


def test_decorated():
    assert Box().more(1) == 2


def test_loop():
    assert Box.spin(9) == 4


def test_default():
    assert least(1) == 3


def test_named():
    assert named(2) == 2


def test_async():
    assert asyncio.run(later(4)) == 2
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "code_.py").write_text(CODE)
    (tmp_path / "test_code.py").write_text(CODE_TESTS)
    (tmp_path / "pytest.ini").write_text(PYTEST)
    return tmp_path


def changes(old: str, *new: str) -> Sequence[Mutation]:
    start, line = CODE.index(old), CODE[: CODE.index(old)].count("\n") + 1
    return [Mutation("code_.py", line, start, old, one, 0.0) for one in new]


@pytest.mark.parametrize(
    ("test", "old", "new", "right"),
    [
        ("test_decorated", "a - 1", ("a * 1", "a + 1", "a + 1"), 1),
        ("test_loop", "a > 3", ("True", "a >", "a > 4"), 2),
        ("test_default", "b=3", ("b=1", "b=2"), 1),
        ("test_named", "sign=-1", ("sign=-2", "sign=(+1)"), 1),
        ("test_async", "a * 2", ("__import__('os')._exit(0)", "a // 2"), 1),
    ],
)
def test_the_first_with_which_the_test_passes_is_found(
    project: Path, test: str, old: str, new: tuple[str, ...], right: int
) -> None:
    before = snapshot(project)
    waiting = changes(old, *new)
    assert screen(project, sys.executable, [f"test_code.py::{test}"], waiting, 60) == right
    assert screen(project, sys.executable, [f"test_code.py::{test}"], waiting[:1], 60) is None
    assert snapshot(project) == before


def test_a_test_that_passes_anyway_screens_nothing(project: Path) -> None:
    (project / "test_code.py").write_text("def test_fine():\n    pass\n")
    assert screen(project, sys.executable, ["test_code.py::test_fine"], changes("a - 1", "a + 1"), 60) is None


def test_a_bug_of_one_token_is_mended_without_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = make_shop(tmp_path / "shop")
    wrong = SHOP.replace("whole - discount", "whole + whole * discount")
    (workspace / "shop.py").write_text(wrong)
    monkeypatch.setenv("OLLAMA_HOST", "127.0.0.1:9")
    monkeypatch.setenv("USE_OLLAMA", "1")
    monkeypatch.setenv("VIRTUAL_ENV", str(Path(sys.executable).parents[1]))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    opened = partial(open_model, workspace)
    found = edit("test_shop.py::test_total fails", ToolContext(workspace), opened, EditOptions(seconds=120))
    assert found.best is not None
    assert found.best.verified
    assert found.best.mechanical
    assert found.best.changes == {"shop.py": wrong.replace("whole + whole", "whole - whole").encode()}
    (workspace / "shop.py").write_text(SHOP)
    with pytest.raises(ModelError):
        edit("test_shop.py::test_total fails", ToolContext(workspace), opened, EditOptions(seconds=120))
