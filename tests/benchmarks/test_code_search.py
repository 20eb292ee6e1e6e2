"""What the benchmark of code search rests on: docstrings gone, hits judged rightly, figures that add up."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.code_search import trees
from benchmarks.code_search.comments import strip_comments
from benchmarks.code_search.dataset import CodeSet, Definition, Query, Target
from benchmarks.code_search.docstrings import first_paragraph
from benchmarks.code_search.patches import read_patch
from benchmarks.code_search.places import is_test
from benchmarks.code_search.python_docstrings import strip_docstrings
from benchmarks.code_search.score import Answers, Hit, Outcome, evaluate, ranks, summary
from benchmarks.code_search.symbols import other_case, parts_of

MODULE = b'''"""The module's text stays."""
class Box:
    """The class's text stays."""

    @property
    def size(self):
        """Tell the size.

        More.
        """
        def inner():
            """Only text."""
        return inner

    def one(self): """On one line."""

    async def two(self):
        "Two."; return 2
'''
BOX = [
    Definition("a.py", "Box", "class", 2, 2, 30, "p", "python"),
    Definition("a.py", "Box.size", "method", 4, 5, 12, "p", "python"),
    Definition("a.py", "Box.size.inner", "function", 7, 7, 9, "p", "python"),
    Definition("a.py", "Box.other", "method", 15, 15, 20, "p", "python"),
]


class TestStripping:
    def test_docstrings_of_functions_are_gone_and_the_rest_stays(self) -> None:
        stripped, found = strip_docstrings(MODULE) or (b"", [])
        assert ast.get_docstring(ast.parse(stripped)) == "The module's text stays."
        assert b"The class's text stays." in stripped
        for text in (b"Tell the size", b"Only text", b"On one line", b"Two."):
            assert text not in stripped
        told = {one.symbol: one.docstring for one in found}
        assert told["Box.size"] == "Tell the size.\n\nMore."
        assert told["Box.one"] == "On one line."
        assert told["Box"] is None

    def test_lines_are_those_of_the_stripped_file(self) -> None:
        stripped, found = strip_docstrings(MODULE) or (b"", [])
        lines = stripped.decode().splitlines()
        size = next(one for one in found if one.symbol == "Box.size")
        assert lines[size.line - 1].strip() == "@property"
        assert lines[size.def_line - 1].strip() == "def size(self):"
        assert lines[size.end_line - 1].strip() == "return inner"

    @given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60))
    def test_any_docstring_leaves_a_module_that_parses(self, text: str) -> None:
        source = f"def f(a):\n    {text!r}\ndef g():\n    {text!r}  # x\n    return 1\n".encode()
        stripped, found = strip_docstrings(source) or (b"", [])
        assert [one.symbol for one in found] == ["f", "g"]
        assert all(
            ast.get_docstring(node) is None
            for node in ast.parse(stripped).body
            if isinstance(node, ast.FunctionDef)
        )

    def test_what_does_not_parse_is_left_out(self) -> None:
        assert strip_docstrings(b"def (") is None

    def test_comments_of_functions_are_gone_in_other_languages(self) -> None:
        text = "package a\n\n// Add tells the sum.\n// Twice.\nfunc Add(a int) int {\n\treturn a // kept\n}\n"
        stripped, found = strip_comments(text, "go") or ("", [])
        assert "tells" not in stripped
        assert "// kept" in stripped
        assert [(symbol.qualified, symbol.line) for symbol, _ in found] == [("Add", 5)]
        assert found[0][1] == "Add tells the sum.\nTwice."


class TestAnswers:
    @pytest.mark.parametrize(
        ("hit", "shown"),
        [
            (("a.py", 4, 12), 4),
            (("a.py", 5, 5), 4),
            (("a.py", 11, 12), 4),
            (("a.py", 8, 9), 7),
            (("a.py", 2, 30), 2),
            (("a.py", 13, 20), 15),
            (("a.py", 3, 20), None),
            (("a.py", 1, 30), 2),
            (("b.py", 4, 12), None),
        ],
    )
    def test_a_hit_shows_the_innermost_definition_where_it_begins(self, hit: Hit, shown: int | None) -> None:
        assert Answers(BOX).shown(hit) == (("a.py", shown) if shown else None)


class TestScores:
    def test_ranks_of_a_definition(self) -> None:
        query = Query("1", "size", (Target("a.py", 4, 12, "Box.size"),), "p", "python")
        hits = [("a.py", 2, 30), ("a.py", 5, 6), ("a.py", 4, 12)]
        assert ranks(query, hits, Answers(BOX)) == (2,)

    def test_files_are_counted_once(self) -> None:
        query = Query("1", "fails", (Target("b.py"), Target("c.py")), "p", "python", "issue")
        hits = [("a.py", 1, 2), ("a.py", 5, 6), ("b.py", 1, 1), ("d.py", 1, 1), ("c.py", 3, 4)]
        found = ranks(query, hits, Answers(()))
        assert found == (2, 4)
        assert 0 < Outcome(query, found, 1.0).gain() < 1
        assert Outcome(query, (1, 2), 1.0).gain() == 1

    def test_a_perfect_ranker_has_perfect_figures(self, tmp_path: Path) -> None:
        class Perfect:
            name = "perfect"

            def prepare(self, root: Path) -> float:
                return 1.5

            def search(self, query: str, k: int) -> list[Hit]:
                return [("a.py", 4, 12)]

        queries = (Query("1", "size", (Target("a.py", 4, 12, "Box.size"),), "p", "python"),)
        outcomes, seconds = evaluate(
            Perfect(), CodeSet("docstring", "tuning", tmp_path, queries, {"tree": tuple(BOX)})
        )
        figures = summary(outcomes, seconds)
        assert (figures["mrr@10"], figures["ndcg@10"], figures["recall@1"]) == (1, 1, 1)
        assert (figures["index_seconds"], figures["mrr@10_95"]) == (1.5, [1, 1])


class TestQueries:
    def test_the_first_paragraph_on_one_line(self) -> None:
        assert first_paragraph("Return the\n  size of it.\n\nMore.") == "Return the size of it."
        assert first_paragraph("Too short") == ""

    def test_a_patch_of_git_and_one_of_debian(self) -> None:
        git = (
            "From: A <a@b>\nSubject: [PATCH 1/2] CVE-2020-1: url: refuse bad hosts\n in redirects\n\n"
            "They were followed.\n\nSigned-off-by: A\n---\n lib/url.c | 2 +-\n\n"
            "--- a/lib/url.c\n+++ b/lib/url.c\n@@ -1 +1 @@\n"
        )
        assert read_patch(git).text == "url: refuse bad hosts in redirects. They were followed"
        assert read_patch(git).files == ("lib/url.c",)
        debian = (
            "Description: do not follow\n A host may be bad.\n .\n More.\nAuthor: A\n"
            "--- x.orig/a.c\n+++ x/a.c\n"
        )
        assert read_patch(debian).text == "do not follow. A host may be bad"
        assert read_patch(debian).files == ("a.c",)

    def test_names_in_another_case(self) -> None:
        assert parts_of("HTTPServer_v2") == ("http", "server", "v", "2")
        assert other_case("parse_url") == "parseUrl"
        assert other_case("HttpClient") == "http_client"

    def test_tests_are_known_by_their_paths(self) -> None:
        assert all(map(is_test, ("a/tests/b.py", "a/test_b.py", "a/b_test.go", "src/b.spec/test/x.js")))
        assert not any(map(is_test, ("a/attest.py", "contest/b.py", "latest.py")))


def test_a_tree_from_a_seed_is_the_same_again(tmp_path: Path) -> None:
    def texts(folder: Path) -> dict[str, str]:
        trees.write_tree(folder, 60)
        return {
            str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()
        }

    first = texts(tmp_path / "a")
    assert len(first) == 60
    assert first == texts(tmp_path / "b")
    for path, text in first.items():
        if path.endswith(".py"):
            ast.parse(text)
