"""What the benchmark of bugs rests on: one place is changed and can be again; figures that add up."""

from __future__ import annotations

import ast
import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.bugs import report, runner
from benchmarks.bugs.mutate import Mutation, is_bug, mutations
from benchmarks.bugs.operators import OPERATORS
from benchmarks.bugs.recipe import Bug, bug_of, load, save
from benchmarks.bugs.score import rank, wilson
from benchmarks.bugs.systems.base import Place
from benchmarks.bugs.systems.one_shot import answered, replaced
from benchmarks.bugs.systems.pointed import Function
from benchmarks.bugs.tasks import in_words

MODULE = '''"""Ümläute count two bytes."""
import re

class Box:
    """Holds things."""

    def __init__(self, size=3, name="box", *, open=True):
        self.size = size; self.name = name; self.open = open

    @property
    def label(self):
        """Tell the label: “x”."""
        return f"{self.name}: {self.size + 1}"

    def find(self, items, wanted, start=0):
        # not (a comment and nothing) == else
        found = None
        for number, item in enumerate(items):
            if number < start or not item:
                continue
            if item == wanted and self.open:
                found = number
                break
        else:
            return None
        return found is not None and found >= start

def split(text, at: int = 1 + 1):
    if not text:
        return []
    left, right = text[:at], text[at + 1:]
    counts = {"a": 0, "b": 0}
    counts["a"] += 1
    counts["b"] = len(left) * 2 - max(at, 0)
    words = re.sub("x", text.lower().lstrip(), right)
    if words.startswith("ä"):
        counts.update(a=0)
    return (words, counts["a"]) if right else left[1:-1]
'''
CONTENT = MODULE.encode()
ALL = list(mutations(CONTENT))


class TestMutations:
    def test_every_operator_is_used(self) -> None:
        assert {one.operator for one in ALL} == set(OPERATORS)

    @given(st.sampled_from(ALL))
    def test_one_place_of_one_function_differs_and_it_parses(self, one: Mutation) -> None:
        assert is_bug(CONTENT, one)
        after = one.apply(CONTENT)
        assert after.startswith(CONTENT[: one.start])
        assert after.endswith(CONTENT[one.end :])
        old, new = (_functions(text) for text in (CONTENT, after))
        assert old.keys() == new.keys()
        assert [name for name in old if old[name] != new[name]] == [one.symbol]
        assert CONTENT[: one.start].count(b"\n") + 1 == one.line

    @given(st.sampled_from(ALL))
    def test_a_recipe_makes_the_same_bug_again(self, one: Mutation) -> None:
        bug = _bug(one, ["tests/test_a.py::test_a[ü]"])
        assert bug.mutation(CONTENT) == one
        assert Bug(**{**json.loads(json.dumps(dataclasses.asdict(bug))), "failing": bug.failing}) == bug

    def test_another_file_is_refused(self) -> None:
        with pytest.raises(ValueError, match="can't be made again"):
            _bug(ALL[0], ["t"]).mutation(CONTENT.replace(b"Box", b"Bag"))

    @pytest.mark.parametrize(
        ("operator", "old", "new"),
        [
            ("comparison", "number < start", "number <= start"),
            ("arithmetic", 'counts["a"] += 1', 'counts["a"] -= 1'),
            ("boolean", "number < start or not", "number < start and not"),
            ("removed-not", "if not text:", "if text:"),
            ("negated-condition", "if words.starts", "if not words.starts"),
            ("off-by-one", "text[at + 1:]", "text[at + 2:]"),
            ("swapped-arguments", "max(at, 0)", "max(0, at)"),
            ("dropped-return", "return []", "return None"),
            ("removed-statement", "counts.update(a=0)", "pass"),
            ("break-continue", "                break\n", "                continue\n"),
            ("slice-bound", "left[1:-1]", "left[:-1]"),
            ("wrong-name", "text.lower()", "text.upper()"),
            ("wrong-key", 'counts["a"]) if', "counts['b']) if"),
            ("default-argument", "open=True)", "open=False)"),
        ],
    )
    def test_a_mistake_as_people_make_it(self, operator: str, old: str, new: str) -> None:
        made = {one.apply(CONTENT).decode() for one in ALL if one.operator == operator}
        made |= {text.replace("text[at + 0:]", new) for text in made}
        assert MODULE.replace(old, new) in made

    def test_annotations_decorators_and_texts_for_people_stay(self) -> None:
        for one in ALL:
            after = one.apply(CONTENT).decode()
            assert all(text in after for text in ("at: int =", "@property", "“x”", "Holds things."))
            assert "{self.size + 1}" in after or one.operator == "dropped-return"


class TestRecipes:
    def test_what_is_written_is_read(self, tmp_path: Path) -> None:
        bugs = [_bug(one, ["t::ä", "u"]) for one in ALL[:3]]
        save(bugs, tmp_path / "bugs.jsonl")
        assert load(tmp_path / "bugs.jsonl") == bugs

    def test_the_kept_ones_are_enough_and_hold_no_source(self) -> None:
        bugs = load()
        assert len({bug.id for bug in bugs}) == len(bugs)
        assert len({(bug.package, bug.path, bug.symbol) for bug in bugs}) == len(bugs)
        assert all(1 <= len(bug.failing) <= 10 for bug in bugs)
        assert sum(bug.half == "tuning" for bug in bugs) == 30
        assert sum(bug.half == "held-out" for bug in bugs) >= 64
        assert len({bug.operator for bug in bugs}) >= 12


class TestScores:
    @pytest.mark.parametrize(
        ("places", "expected"),
        [
            ([Place("a.py", 15, 25)], 1),
            ([Place("a.py", 7, 8), Place("b.py", 15, 25), Place("a.py", 17, 22)], 3),
            ([Place("a.py", 4, 25), Place("a.py", 1, 40)], None),
            ([Place("a.py", 15, 18)], None),
            ([], None),
        ],
    )
    def test_the_rank_of_the_right_function(
        self, tmp_path: Path, places: list[Place], expected: int | None
    ) -> None:
        (tmp_path / "a.py").write_bytes(CONTENT)
        one = next(one for one in ALL if one.symbol == "Box.find" and one.line == 21)
        assert rank(_bug(one, ["t"]), places, tmp_path) == expected

    @given(st.integers(0, 200), st.integers(0, 200))
    def test_an_interval_holds_the_share(self, hits: int, more: int) -> None:
        low, high = wilson(hits, hits + more)
        assert 0 <= low <= high <= 1
        if hits + more:
            assert low - 1e-9 <= hits / (hits + more) <= high + 1e-9

    def test_a_known_interval(self) -> None:
        low, high = wilson(9, 10)
        assert (round(low, 3), round(high, 3)) == (0.596, 0.982)

    def test_figures_and_table(self, tmp_path: Path) -> None:
        raw = tmp_path / "raw.jsonl"
        row = {
            **dict.fromkeys(("bug", "package", "operator", "note"), "x"),
            **{"half": "held-out", "kind": "failing", "system": "ours", "seconds": 2.0},
            **dict.fromkeys(("calls", "prompt_tokens", "answer_tokens"), 10),
        }
        hit = {**row, "rank": 2, "changed": True, "parses": True, "mended": True}
        miss = {**row, "rank": None, "changed": False, "parses": False, "mended": False}
        raw.write_text(f"{json.dumps(hit)}\n{json.dumps(miss)}\n" + json.dumps(hit)[:40])
        (figures,) = report.summary(runner.read(raw))
        assert (figures["bugs"], figures["top1"], figures["top3"], figures["mended"]) == (2, 0, 1, 1)
        assert "1 of 2 = 0.50 [0.10, 0.91]" in report.table([figures])


class TestTasks:
    def test_words_tell_what_should_be_and_no_name(self) -> None:
        one = next(one for one in ALL if one.symbol == "Box.find")
        output = (
            "t/test_box.py:3: AssertionError\n>  assert Box().find([1], 1)\nE   assert False\nE    + where"
        )
        text = in_words(_bug(one, ["tests/test_box.py::test_find"]), CONTENT, output)
        assert text == "It should: Holds things. But a check of that finds: False"


class TestOneShot:
    SHOWN = (Function("a.py", "Box.find", 15, 25), Function("a.py", "split", 27, 37))

    @pytest.mark.parametrize(
        "said",
        [
            "Here:\n```python\ndef split(text, at=2):\n    return text\n```\nDone.",
            "```\nimport re\n\ndef split(text, at=2):\n    return text\n```",
            "```python\n    def split(text, at=2):\n        return text\n```",
            "def split(text, at=2):\n    return text\n",
            "```python\ndef other():\n    pass\n```\n```python\ndef split(text, at=2):\n    return text\n",
        ],
    )
    def test_a_function_in_an_answer(self, said: str) -> None:
        assert answered(said, list(self.SHOWN)) == (self.SHOWN[1], "def split(text, at=2):\n    return text")

    @pytest.mark.parametrize(
        "said", ["", "No.", "```python\ndef split(text:\n```", "```python\ndef other(): pass\n```"]
    )
    def test_no_function_in_an_answer(self, said: str) -> None:
        assert answered(said, list(self.SHOWN)) is None

    def test_a_method_gets_its_old_indentation_and_decorators(self, tmp_path: Path) -> None:
        file = tmp_path / "a.py"
        file.write_bytes(CONTENT)
        content = replaced(file, Function("a.py", "Box.label", 10, 13), 'def label(self):\n    return ""')
        assert b'    @property\n    def label(self):\n        return ""\n\n    def find' in content


def _bug(one: Mutation, failing: list[str]) -> Bug:
    return bug_of("toolz-1", "toolz", "a.py", one, CONTENT, failing)


def _functions(content: bytes) -> dict[str, str]:
    found = {}
    for node in ast.parse(content).body:
        for inner in node.body if isinstance(node, ast.ClassDef) else [node]:
            name = getattr(inner, "name", "")
            found[f"{node.name}.{name}" if isinstance(node, ast.ClassDef) else name] = ast.dump(inner)
    return found
