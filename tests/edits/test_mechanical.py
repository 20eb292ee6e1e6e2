"""Small mechanical changes: what they are, what the failing tests accept, and what an edit makes of it."""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dspy_agent.edits import EditOptions, edit
from dspy_agent.edits.mutations import Mutation, mutations
from dspy_agent.edits.results import Edited
from dspy_agent.edits.screen import screen
from dspy_agent.model.access import open_model
from dspy_agent.tools.base import ToolContext
from dspy_agent_core.errors import ModelError
from tests.edits.kit import PYTEST, SHOP, make_shop, snapshot


def new_lines(text: str, most: int = 500) -> list[str]:
    scores = dict.fromkeys(range(1, text.count("\n") + 2), 1.0)
    return [
        one.applied(text).split("\n")[one.line - 1].strip() for one in mutations("a.py", text, scores)[:most]
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
    found = mutations("a.py", text, {2: 1.0, 3: 0.5})
    assert {one.line for one in found} == {2, 3}
    assert "def f(a, b=1):" in new_lines(text)
    assert found[0].line == 2
    assert mutations("a.py", "def f(:", {1: 1.0}) == []


def test_a_default_is_as_suspicious_as_where_the_function_begins() -> None:
    text = "def f(a, b=2, *, c=True):\n    if a:\n        return b\n    return a - 1\n"
    found = mutations("a.py", text, {2: 0.5, 4: 0.9})
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
    for one in mutations("a.py", text, {3: 1.0}):
        if not one.old:
            continue
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
    found = screen(project, sys.executable, [f"test_code.py::{test}"], waiting, 60)
    assert found == (waiting[right], waiting[right + 1 :])
    assert screen(project, sys.executable, [f"test_code.py::{test}"], waiting[:1], 60) is None
    assert snapshot(project) == before


def test_what_stands_for_others_gives_way_to_the_one_that_breaks_no_test(project: Path) -> None:
    (project / "code_.py").write_text(f"from __future__ import annotations\n\n\n{CODE}")
    (project / "test_code.py").write_text(
        "from code_ import least\n\n\ndef test_none():\n    assert least(None) == 0\n\n\n"
        "def test_some():\n    assert least(1) == 4\n"
    )
    text = (project / "code_.py").read_text()
    start = text.index("return a + b")
    variants = tuple(f"if {one}:\n        return 0\n    " for one in ("b", "a is b", "a is None", "not a"))
    asked = Mutation("code_.py", 1, start, "", "if True:\n        return 0\n    ", 0.0, True, variants)
    never = Mutation("code_.py", 1, start, "", "if True:\n        return 1\n    ", 0.0, True, variants)
    tests = ["test_code.py::test_none", "test_code.py::test_some"]
    found = screen(project, sys.executable, tests, [never, asked], 60)
    assert found is not None
    made, left = found
    assert made.new == variants[2]
    assert made.instead == ()
    assert [one.instead for one in left] == [variants[3:]]
    assert screen(project, sys.executable, tests, left, 60) == (
        Mutation("code_.py", 1, start, "", variants[3], 0.0, True),
        [],
    )


def test_a_test_that_passes_anyway_screens_nothing(project: Path) -> None:
    (project / "test_code.py").write_text("def test_fine():\n    pass\n")
    assert screen(project, sys.executable, ["test_code.py::test_fine"], changes("a - 1", "a + 1"), 60) is None


MISSING = """\
class Shelf:
    def __init__(self, books):
        self.books = list(books)
        self.moves = 0

    def take(self, name):
        if name is None:
            return None
        self.books.remove(name)
        self.moves += 1
        return name

    def put(self, name):
        self.books.append(name)
        return len(self.books)

    def titles(self):
        found = []
        for book in self.books:
            found.append(book.title())
        return found
"""


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("        self.moves += 1\n", ""),
        ("        if name is None:\n            return None\n", ""),
        ("        return name\n", "        return\n"),
        ("        return name\n", "        return None\n"),
        ("        return name\n", ""),
        ("        return found\n", ""),
        ("        return len(self.books)\n", "        len(self.books)\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_is_missing_is_among_the_additions(right: str, wrong: str, end: str) -> None:
    text = MISSING.replace(right, wrong, 1)
    text, whole = text.replace("\n", end), MISSING.replace("\n", end)
    scores = dict.fromkeys(range(1, text.count("\n") + 2), 1.0)
    made = set()
    for one in mutations("a.py", text, scores):
        variants = [replace(one, new=new) for new in one.instead] or [one]
        made |= {ast.dump(ast.parse(variant.applied(text))) for variant in variants}
        assert one.applied(text).count(end) == one.applied(text).count("\n")
    others = whole, whole.replace("return None", "return")
    assert made & {ast.dump(ast.parse(one)) for one in others}


COUNTER = """\
def clean(text):
    return text.strip()


def small(text):
    return text.lower()


def key(text):
    return small(clean(text))


class Counter:
    def __init__(self, words, ignored=()):
        self.words = words
        self.longest = 0
        self.seen = set()
        self.ignored = ignored

    def count(self, least, most):
        counts = {}
        if least > most:
            return counts
        for word in self.words:
            if word in self.ignored:
                continue
            self.seen.add(word)
            place = 0
            while place < len(word):
                self.seen.add(place)
                place += 1
            if isinstance(word, str) and place > self.longest:
                self.longest = place
            counts[word] = place
        return counts
"""


def test_what_is_added_looks_like_the_file() -> None:
    text = "class A:\n\tdef f(self, a):\n\t\tif a is None:  # nothing\n"
    text += '\t\t\traise ValueError("no")\n\t\treturn a\n\n'
    text += "\tdef g(self, a):\n\t\treturn a\n"
    added = {one.new for one in mutations("a.py", text, {8: 1.0}) if not one.old}
    assert 'if a is None:  # nothing\n\t\t\traise ValueError("no")\n\t\t' in added
    assert "if True:\n\t\t\treturn a\n\t\t" in added


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        ("    return small(clean(text))\n", "    return None\n"),
        ("        self.seen = set()\n", ""),
        ("        self.ignored = ignored\n", ""),
        ("        if least > most:\n            return counts\n", ""),
        ("                place += 1\n", ""),
    ],
)
def test_what_no_code_says_is_guessed(right: str, wrong: str) -> None:
    text = COUNTER.replace(right, wrong, 1)
    scores = dict.fromkeys(range(1, text.count("\n") + 2), 1.0)
    found = [one for one in mutations("a.py", text, scores) if one.guessed or "ignored" in right]
    variants = [replace(one, new=new) for one in found for new in one.instead or [one.new]]
    variants = [one for one in variants if right.split()[-1] in one.new]
    whole = ast.dump(ast.parse(COUNTER))
    made = {ast.dump(ast.parse(one.applied(text))) for one in variants}
    assert whole in made


def test_additions_are_of_names_that_the_function_has() -> None:
    text = "import os\n\n\ndef f(a):\n    if a.x: return os.sep\n    other(a)\n\n\n"
    text += "def g(b):\n    c = [d for d in f(b)]\n    print(c, zed)\n"
    found = mutations("a.py", text, {10: 1.0, 11: 1.0})
    added = {one.new.strip() for one in found if not one.old}
    assert {"return c", "if not b:\n        return c", "print(c, zed)"} & added == {"return c"}
    assert not [one for one in added if "other" in one or "zed" in one]
    assert "c = [d for d in f(b)]" in added


def edited_without_model(task: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Edited:
    (folder / "pytest.ini").write_text(PYTEST)
    monkeypatch.setenv("VIRTUAL_ENV", str(Path(sys.executable).parents[1]))
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    options = EditOptions(seconds=120, candidates=0)
    return edit(task, ToolContext(folder), partial(open_model, folder), options)


def test_a_missing_case_is_mended_without_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "shelf.py").write_text(
        MISSING.replace("        if name is None:\n            return None\n", "")
    )
    (tmp_path / "test_shelf.py").write_text(
        "from shelf import Shelf\n\n\ndef test_nothing():\n    assert Shelf(['a']).take(None) is None\n\n\n"
        "def test_take():\n    shelf = Shelf(['a', ''])\n    assert shelf.take('a') == 'a'\n"
        "    assert shelf.take('') == ''\n    assert shelf.moves == 2\n    assert shelf.books == []\n"
    )
    found = edited_without_model("test_shelf.py::test_nothing fails", tmp_path, monkeypatch)
    assert found.best is not None
    assert found.best.verified
    assert b"if name is None:" in found.best.changes["shelf.py"]


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


def test_one_that_mends_more_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sums.py").write_text("def add(a, b):\n    return a + b\n")
    (tmp_path / "test_sums.py").write_text(
        "from sums import add\n\n\ndef test_two():\n    assert add(1, 0.5) == 0.5\n"
    )
    (tmp_path / "test_far.py").write_text(
        "import importlib\n\n\ndef test_far():\n"
        "    assert getattr(importlib.import_module('su' + 'ms'), 'a' + 'dd')(2, 3) == 6\n"
    )
    found = edited_without_model("test_sums.py::test_two fails", tmp_path, monkeypatch)
    assert [one.verified for one in found.candidates[:2]] == [True, True]
    assert found.best is not None
    assert found.best.changes["sums.py"] == b"def add(a, b):\n    return a * b\n"
